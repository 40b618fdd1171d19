import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { noise } from '../memory-device.ts'
import { seeded } from '../tools.ts'
import type { Guest } from './guest.ts'

/** How a store was filled by the kernel. */
export interface StoreCase {
  /** P: given up when full. PO: kept, and said to be full; what dracut asks for since 044. */
  mode: 'P' | 'PO'
  fill: 'at once' | 'slowly'
  chunkSectors: 8 | 16 | 32
  sizeBytes: number
}

/** What the guest's kernel said of the store that it filled. */
export interface Filled {
  /** Of the mounted store, when nothing more could be written. */
  fullStatus: string
  /** After it was registered again as it was. */
  status: string
  /** Files of which the kernel had said that they are on the medium, before it ran out of room. */
  safe: string[]
  /** The published procedure on a copy: what e2fsck ended with, the sums of the files afterwards, and after it was begun once more. */
  byHand: { checks: string; sums: Record<string, string>; sumsAgain: Record<string, string> }
}

/** What somebody adds by hand; also to a size of ill luck it makes a good one. */
const grownBytes = 16 * 1024 * 1024 + 512 * 1024

const words = readFileSync(fileURLToPath(new URL('guest-store.sh', import.meta.url)), 'utf8')

/** Runs a script with the words of guest-store.sh. */
export function run(guest: Guest, script: string, limitSeconds?: number): Promise<string> {
  return guest.run(`${words}\n${script}`, limitSeconds)
}

/** Files of a user, of many sizes, in the guest too; the sha256 of each by its name. */
export async function bringPayload(guest: Guest, share: string, totalMiB: number): Promise<Record<string, string>> {
  const random = seeded(20240601)
  const sums: Record<string, string> = {}
  const write = (name: string, lengthBytes: number) => {
    const bytes = noise(lengthBytes, Object.keys(sums).length + 1)
    const path = join(share, 'payload', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
    sums[name] = createHash('sha256').update(bytes).digest('hex')
  }
  let left = totalMiB * 1024 * 1024
  for (let index = 0; left > 0; index += 1) {
    const lengthBytes = 4096 + Math.floor(random() * (index % 5 === 0 ? 1_500_000 : 250_000))
    write(`folder-${String(Math.floor(index / 4)).padStart(2, '0')}/letter-${index}`, lengthBytes)
    left -= lengthBytes
  }
  for (let index = 0; index < 400; index += 1) write(`small-${String(Math.floor(index / 20)).padStart(2, '0')}/note-${index}`, 3000)
  await guest.run('cp -r payload /tmp/payload')
  return sums
}

/** The guest's kernel makes a store of zeros over the base, and fills it until it takes no more; it lies in the shared folder then. */
export async function fillStore(
  guest: Guest,
  base: string,
  name: string,
  { mode, fill, chunkSectors, sizeBytes }: StoreCase,
): Promise<Filled> {
  const said = await run(
    guest,
    `
rm -rf /tmp/store /tmp/copy /tmp/safe /tmp/live
mkdir /tmp/live
base /share/${base}
truncate -s ${sizeBytes} /tmp/store
register /tmp/store ${mode} ${chunkSectors}
mount /dev/mapper/live /tmp/live
mkdir /tmp/live/user
sync
${fill === 'slowly' ? 'fill_slowly' : 'fill_at_once'} /tmp/safe
echo "full $(status)"
umount /tmp/live
release
cp --sparse=always /tmp/store /share/${name}
cp --sparse=always /tmp/store /tmp/copy
register /tmp/copy ${mode} ${chunkSectors}
echo "again $(status)"
release
repair_by_hand /tmp/copy ${mode} ${chunkSectors} ${sizeBytes + grownBytes}
rm /tmp/copy /tmp/store
echo files; cat /tmp/safe
echo sums; cat /tmp/by-hand.sums
echo sums; cat /tmp/again.sums
`,
    240,
  )
  const [head = '', lists = ''] = said.split('\nfiles\n')
  const word = (key: string) => new RegExp(`^${key} (.*)$`, 'm').exec(head)?.[1] ?? ''
  const [safe = '', sums = '', sumsAgain = ''] = lists.split('sums\n')
  return {
    fullStatus: word('full'),
    status: word('again'),
    safe: safe.split('\n').filter(Boolean),
    byHand: {
      checks: `${word('first')}, ${word('second')}; ${word('third')}`,
      sums: sumsOf(sums),
      sumsAgain: sumsOf(sumsAgain),
    },
  }
}

/** What the kernel finds in a store that was repaired by us, or made larger. */
export interface Registered {
  status: string
  /** Of all that a system sees. */
  sha256: string
  /** What `e2fsck -fn` ends with: before anything was written, and after the further files. */
  checks: [before: string, after: string]
  sums: Record<string, string>
  statusAfter: string
}

/** Registers a store of the shared folder, looks at everything in it, writes so much more, and looks again; on a copy. */
export async function registerAgain(
  guest: Guest,
  base: string,
  name: string,
  { mode, chunkSectors, moreMiB }: { mode: string; chunkSectors: number; moreMiB: number },
): Promise<Registered> {
  const said = await run(
    guest,
    `
base /share/${base}
cp --sparse=always /share/${name} /tmp/store
register /tmp/store ${mode} ${chunkSectors}
echo "status $(status)"
echo "sha256 $(sha256sum < /dev/mapper/live)"
echo "before $(check -f -n)"
mkdir -p /tmp/live
mount /dev/mapper/live /tmp/live
sums /tmp/sums
dd if=/dev/urandom of=/tmp/more bs=1M count=${moreMiB} 2> /dev/null
cp /tmp/more /tmp/live/more
sync
umount /tmp/live
echo 3 > /proc/sys/vm/drop_caches
mount /dev/mapper/live /tmp/live
cmp /tmp/more /tmp/live/more
umount /tmp/live
echo "then $(status)"
echo "after $(check -f -n)"
release
rm /tmp/store /tmp/more
echo sums; cat /tmp/sums
`,
    240,
  )
  const word = (key: string) => new RegExp(`^${key} (.*)$`, 'm').exec(said)?.[1] ?? ''
  return {
    status: word('status'),
    sha256: word('sha256').split(' ')[0] ?? '',
    checks: [word('before'), word('after')],
    sums: sumsOf(said.split('\nsums\n')[1] ?? ''),
    statusAfter: word('then'),
  }
}

/** "SUM  ./NAME" */
function sumsOf(lines: string): Record<string, string> {
  return Object.fromEntries([...lines.matchAll(/^([0-9a-f]{64}) {2}\.\/(.+)$/gm)].map(([, sum, name]) => [name, sum]))
}
