import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { writeSampleTree } from './sample-tree.ts'
import { tool } from './tools.ts'

export interface RichOptions {
  /** Beyond 2038, and nanoseconds: only in inodes of 256 bytes. */
  wideTimes: boolean
  /** Room set aside with fallocate: only with extents. */
  reserves: boolean
}

/** What a file system of Linux can hold, of every kind at least one. Needs root, and acl, attr and libcap2-bin. */
export function writeRichTree(folder: string, { wideTimes, reserves }: RichOptions): void {
  writeSampleTree(join(folder, 'plain'), 4, { files: 40, links: true })
  const inside = (name: string) => join(folder, name)

  mkdirSync(inside('many'))
  for (let index = 0; index < 700; index += 1) writeFileSync(inside(`many/a-file-with-a-rather-long-name-${index}`), '')

  const sparse = openSync(inside('sparse'), 'w')
  for (const at of [0, 300_000, 7_000_001, 40_000_000]) writeSync(sparse, `here at ${at}`, at)
  closeSync(sparse)
  truncateSync(inside('sparse'), 50_000_000)
  writeFileSync(inside('only-a-hole'), '')
  truncateSync(inside('only-a-hole'), 3_000_000)
  if (reserves) {
    tool('fallocate', ['-l', '2M', inside('reserved')])
    writeFileSync(inside('reserved-partly'), 'x'.repeat(5000))
    tool('fallocate', ['--keep-size', '-l', '1M', inside('reserved-partly')])
  }
  writeFileSync(inside('empty'), '')

  for (const [name, kind, major, minor] of [
    ['zero', 'c', 1, 5],
    ['disk', 'b', 259, 70_000],
    ['wide', 'c', 4095, 255],
  ] as const)
    tool('mknod', [inside(name), kind, String(major), String(minor)])
  tool('mkfifo', [inside('pipe')])
  tool('python3', ['-c', 'import os, stat, sys; os.mknod(sys.argv[1], stat.S_IFSOCK | 0o600)', inside('socket')])

  symlinkSync('sparse', inside('short'))
  symlinkSync(`plain/${'./'.repeat(100)}d0`, inside('long'))
  symlinkSync('/plain/d0', inside('absolute'))
  mkdirSync(inside('links'))
  for (let index = 0; index < 5; index += 1) linkSync(inside('sparse'), inside(`links/name-${index}`))

  writeFileSync(inside('owned'), 'owned')
  chownSync(inside('owned'), 3_000_000_000, 70_000)
  chmodSync(inside('owned'), 0o6751)
  mkdirSync(inside('sticky'))
  chmodSync(inside('sticky'), 0o1777)
  writeFileSync(inside('ping'), 'program')
  tool('setcap', ['cap_net_raw+ep', inside('ping')])
  tool('setfattr', ['-n', 'user.comment', '-v', 'größe', inside('owned')])
  tool('setfattr', ['-n', 'user.empty', inside('owned')])
  tool('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', inside('sticky')])
  tool('setfattr', ['-n', 'security.selinux', '-v', 'system_u:object_r:bin_t:s0', inside('ping')])
  tool('setfattr', ['-n', 'user.large', '-v', 'v'.repeat(700), inside('ping')])
  tool('setfacl', ['-m', 'u:1234:rw,g:70000:r,m::rw', inside('empty')])
  tool('setfacl', ['-d', '-m', 'u:1234:rwx', inside('sticky')])

  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff, 0xfe, 0x80, 0x67])]), 'latin')
  writeFileSync(inside('größe 💀\n"quoted"'), 'utf-8')

  const times: [string, string][] = wideTimes
    ? [
        ['owned', '2150-06-01T12:00:00.123456789Z'],
        ['plain/d0', '1912-01-01T00:00:00.5Z'],
        ['short', '2038-01-19T03:14:08.000000001Z'],
        ['zero', '2400-02-29T00:00:00Z'],
      ]
    : [
        ['owned', '2037-06-01T12:00:00Z'],
        ['plain/d0', '1912-01-01T00:00:00Z'],
      ]
  for (const [name, time] of times) tool('touch', ['-h', '-d', time, inside(name)])
}
