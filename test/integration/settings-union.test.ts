import assert from 'node:assert/strict'
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { Union } from '../../native-helpers/systems/settings/union.ts'
import { openSquashfsTree } from '../../native-helpers/volumes/squashfs/tree.ts'
import { ExtWriter } from '../../native-helpers/wasm/ext-writer.ts'
import { cannotOverlay, runningSystem } from '../support/overlay-mount.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = cannotWasm('mksquashfs', 'mke2fs', 'e2fsck', 'getfattr', 'setfattr') ?? cannotOverlay() ?? false
const seconds = 1_700_000_000

/** The files of a system, with whatever a copy of them has to keep. */
function shippedSystem(folder: string): string {
  const root = join(folder, 'root')
  const at = (path: string) => join(root, path)
  for (const path of ['etc/ssh/keys', 'etc/old', 'etc/gone', 'usr/lib/zones', 'home', 'var/empty'])
    mkdirSync(at(path), { recursive: true })
  for (const name of ['hostname', 'hosts', 'shadow', 'motd', 'old/one', 'old/two', 'gone/one', 'ssh/config', 'ssh/keys/a'])
    writeFileSync(at(`etc/${name}`), `${name} as shipped\n`)
  writeFileSync(at('usr/lib/zones/Berlin'), 'TZif')
  symlinkSync('/usr/lib/zones/Berlin', at('etc/localtime'))
  symlinkSync('usr/lib', at('lib'))
  symlinkSync('../lib/zones', at('etc/zones'))
  tool('chmod', ['640', at('etc/shadow')])
  tool('chown', ['0:42', at('etc/shadow')])
  tool('chmod', ['2750', at('etc/ssh')])
  tool('chown', ['3:4', at('etc/ssh')])
  tool('setfattr', ['-n', 'user.origin', '-v', 'shipped', at('etc/shadow')])
  tool('setfattr', ['-n', 'user.folder', '-v', 'too', at('etc/ssh')])
  const image = join(folder, 'system.squashfs')
  tool('mksquashfs', [root, image, '-comp', 'gzip', '-noappend', '-no-progress', '-quiet'])
  return image
}

function emptyVolume(folder: string): string {
  const image = join(folder, 'persistence.img')
  writeFileSync(image, '')
  truncateSync(image, 16 * 1024 * 1024)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', image])
  return image
}

/** What a user did while the system ran: the kernel writes whiteouts, opaque folders and redirects. */
function used(root: string): void {
  const shell = (words: string) => tool('sh', ['-e', '-c', words], { env: { ROOT: root } })
  shell(`cd "$ROOT"
    rm etc/motd etc/old/two
    mv etc/old etc/renamed
    mv etc/renamed var/renamed
    rm -r etc/gone; mkdir etc/gone; echo own > etc/gone/own
    echo changed > etc/hosts; setfattr -n user.note -v mine etc/hosts; ln etc/hosts etc/hosts-too
    ln -s loop etc/loop; mkdir -p home/user; chown 1000:1000 home/user`)
}

type Act = { ours: (union: Union) => void; shell: string }

/** The same, by us in the volume and by a shell in the running system. */
const acts: Act[] = [
  { ours: (union) => union.write('etc/hostname', 'new\n'), shell: 'echo new > etc/hostname' },
  { ours: (union) => union.write('etc/shadow', 'secret\n'), shell: 'echo secret > etc/shadow' },
  { ours: (union) => union.write('etc/motd', 'back\n'), shell: 'echo back > etc/motd' },
  {
    ours: (union) => union.write('etc/ssh/keys/b', 'key\n', { mode: 0o600, uid: 5, gid: 6 }),
    shell: 'echo key > etc/ssh/keys/b; chmod 600 etc/ssh/keys/b; chown 5:6 etc/ssh/keys/b',
  },
  { ours: (union) => union.write('var/renamed/one', 'other\n'), shell: 'echo other > var/renamed/one' },
  { ours: (union) => union.write('etc/gone/one', 'again\n'), shell: 'echo again > etc/gone/one' },
  { ours: (union) => union.write('etc/old/new', 'new\n'), shell: 'mkdir etc/old; echo new > etc/old/new' },
  // Tools write a new file in the place of the old one; the other name keeps what it had.
  {
    ours: (union) => union.write('etc/hosts', 'mine\n'),
    shell: 'cp -a etc/hosts etc/hosts.new; echo mine > etc/hosts.new; mv etc/hosts.new etc/hosts',
  },
  { ours: (union) => union.link('etc/localtime', '/usr/lib/zones/Paris'), shell: 'ln -sfn /usr/lib/zones/Paris etc/localtime' },
  { ours: (union) => union.write('etc/zones/Rome', 'TZif\n'), shell: 'echo TZif > etc/zones/Rome' },
  { ours: (union) => union.remove('etc/ssh/config'), shell: 'rm etc/ssh/config' },
  { ours: (union) => union.remove('etc/gone/own'), shell: 'rm etc/gone/own' },
  {
    ours: (union) => union.makeFolder('home/user/a/b', { mode: 0o700, uid: 1000, gid: 1000 }),
    shell: 'mkdir -p home/user/a/b; chmod 700 home/user/a/b; chown 1000:1000 home/user/a/b',
  },
  { ours: (union) => union.makeFolder('var/empty', { mode: 0o711 }), shell: 'chmod 711 var/empty' },
]

/** A line for each file, as the running system shows it, without times. */
function seenIn(root: string): string[] {
  const lines: string[] = []
  const visit = (path: string) => {
    const whole = join(root, path)
    const stat = lstatSync(whole)
    const content = stat.isFile() ? readFileSync(whole, 'utf8') : stat.isSymbolicLink() ? readlinkSync(whole) : ''
    const xattrs = tool('getfattr', ['-h', '-d', '-m', '^user|^security|^trusted', '--absolute-names', whole]).replace(
      /^# file:.*\n/,
      '',
    )
    lines.push(`${path} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${JSON.stringify(content)} ${xattrs.trim()}`)
    if (stat.isDirectory()) for (const name of readdirSync(whole).sort()) visit(path === '' ? name : `${path}/${name}`)
  }
  visit('')
  return lines
}

async function inUnion(image: string, squashfs: string, work: (union: Union) => void): Promise<string[]> {
  const [device, packed] = [openFileDevice({ path: image, writable: true }), openFileDevice({ path: squashfs, writable: false })]
  const { value: lower } = await openSquashfsTree(packed)
  assert.ok(lower)
  const writer = new ExtWriter(device, { seconds })
  try {
    const union = new Union(writer, writer.find('rw'), lower, seconds)
    work(union)
    return [...union.changed]
  } finally {
    writer.close()
    device.close()
    packed.close()
  }
}

function usedSystem(t: TestContext) {
  const folder = testFolder(t)
  const squashfs = shippedSystem(folder)
  const image = emptyVolume(folder)
  runningSystem({ squashfs, image }, used)
  return { folder, squashfs, image }
}

test('what is written among the changes is what a shell leaves in the running system', { skip }, async (t) => {
  const { folder, squashfs, image } = usedSystem(t)
  const byShell = join(folder, 'by-shell.img')
  copyFileSync(image, byShell)
  const changed = await inUnion(image, squashfs, (union) => {
    for (const { ours } of acts) ours(union)
  })
  assert.equal(changed.length, acts.length)
  tool('e2fsck', ['-f', '-n', image])
  const expected = runningSystem({ squashfs, image: byShell }, (root) => {
    for (const { shell } of acts) tool('sh', ['-e', '-c', `umask 022; cd "$ROOT"; ${shell}`], { env: { ROOT: root } })
    return seenIn(root)
  })
  assert.deepEqual(
    runningSystem({ squashfs, image }, (root) => seenIn(root)),
    expected,
  )
  assert.ok(
    expected.some((line) => line.startsWith('etc/shadow 100640 0:42 "secret\\n" user.origin="shipped"')),
    'what shadow had',
  )
})

test('said again, nothing is written', { skip }, async (t) => {
  const { squashfs, image } = usedSystem(t)
  const all = (union: Union) => {
    for (const { ours } of acts) ours(union)
  }
  await inUnion(image, squashfs, all)
  assert.deepEqual(await inUnion(image, squashfs, all), [])
})

test('a union is read as the running system is seen', { skip: skip || (missingTools('find') ?? false) }, async (t) => {
  const { squashfs, image } = usedSystem(t)
  const expected = runningSystem({ squashfs, image }, (root) =>
    tool('find', [root, '-type', 'f', '-printf', '%P\\n']).trim().split('\n').sort(),
  )
  await inUnion(image, squashfs, (union) => {
    const files: string[] = []
    const visit = (path: string) => {
      for (const name of union.list(path) ?? []) {
        const whole = path === '' ? name : `${path}/${name}`
        if (union.target(whole) !== null) continue
        if (union.bytes(whole)) files.push(whole)
        else visit(whole)
      }
    }
    visit('')
    assert.deepEqual(files.sort(), expected)
    assert.equal(union.has('etc/motd'), false)
    assert.equal(union.text('var/renamed/one'), 'old/one as shipped\n')
    assert.throws(() => union.write('etc/ssh', 'no file'), { code: 'settings-in-the-way' })
    assert.throws(() => union.write('etc/loop/x', 'nowhere'), { code: 'settings-in-the-way' })
    assert.throws(() => union.write('etc/hosts/x', 'below a file'), { code: 'settings-in-the-way' })
  })
})
