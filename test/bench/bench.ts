/**
 * Side by side with dd and the unpackers: `npm run bench`, as root, on a machine that has nothing else to do.
 *   --size 1024   MiB of every image (each kind has its own size without)      --runs 5   of which the median counts      --peer   etcher-sdk too
 *   --only raw,gzip,zstd,xz,verify,inspect,backup,restore,e2fsck,squashfs
 * Everything is made in memory and removed again. Prints a table in Markdown.
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { backupFigures } from './backup.ts'
import { inspectFigures } from './inspect.ts'
import { installPeer, runPeer } from './peer.ts'
import { restoreFigures } from './restore.ts'
import { type BenchDevice, bash, benchFolder, type Images, loopDevice, makeImages, zramDevice } from './workload.ts'

interface OwnRun {
  writeMs: number
  verifyMs: number
  maxRssMib: number
}

interface Row {
  device: string
  sizeMib: number
  what: string
  against: string
  ownMs: number[]
  otherMs: number[]
  note: string
}

const { values } = parseArgs({
  options: {
    size: { type: 'string' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: 'raw,gzip,zstd,xz,verify,inspect,backup,restore,e2fsck,squashfs' },
    peer: { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)
const wanted = new Set(values.only.split(','))
/** As much as takes some seconds, so that what runs once at the start does not decide. */
const usualMib = { raw: 2048, zstd: 1024, gzip: 256, xz: 96, verify: 2048 } as const
const kinds = ['raw', 'verify', 'zstd', 'gzip', 'xz'] as const
type Kind = (typeof kinds)[number]
const mebibyte = 1024 * 1024
const ddOptions = 'bs=4M oflag=direct iflag=fullblock conv=fsync status=none'

/** For each kind of image: what people would type instead. */
const pipes: Record<keyof Images, { text: string; script: string }[]> = {
  raw: [{ text: 'dd bs=4M oflag=direct', script: `dd if="$1" of="$2" ${ddOptions}` }],
  gzip: [{ text: 'gzip -dc \\| dd', script: `gzip -dc "$1" | dd of="$2" ${ddOptions}` }],
  zstd: [{ text: 'zstd -dc \\| dd', script: `zstd -qdc "$1" | dd of="$2" ${ddOptions}` }],
  xz: [
    { text: 'xz -T0 -dc \\| dd', script: `xz -T0 -dc "$1" | dd of="$2" ${ddOptions}` },
    { text: 'xz -T1 -dc \\| dd', script: `xz -T1 -dc "$1" | dd of="$2" ${ddOptions}` },
  ],
}

function own(kind: 'flash' | 'verify', image: string, device: BenchDevice): OwnRun {
  const script = join(import.meta.dirname, 'ours.ts')
  return JSON.parse(execFileSync(process.execPath, [script, kind, image, device.path], { encoding: 'utf8' })) as OwnRun
}

function timed(script: string, ...args: string[]): number {
  const started = performance.now()
  bash(script, ...args)
  return performance.now() - started
}

function bytesAreRight(raw: string, device: BenchDevice, sizeBytes: number): boolean {
  try {
    bash('cmp -s -n "$3" "$1" "$2"', raw, device.path, String(sizeBytes))
    return true
  } catch (thrown) {
    // cmp(1): 1 means that they differ. Everything else is that it was kept from comparing.
    if ((thrown as { status?: number | null }).status === 1) return false
    throw thrown
  }
}

function wipe(device: BenchDevice): void {
  bash('dd if=/dev/zero of="$1" bs=4M count=4 oflag=direct status=none', device.path)
}

let peakMib = 0

interface Batch {
  images: Images
  sizeMib: number
  wanted: ReadonlySet<Kind>
}

function measure(device: BenchDevice, { images, sizeMib, wanted }: Batch, peer: boolean): Row[] {
  const sizeBytes = sizeMib * mebibyte
  const rows: Row[] = []
  const row = (what: string, against: string): Row => {
    const made: Row = { device: device.name, sizeMib, what, against, ownMs: [], otherMs: [], note: '' }
    rows.push(made)
    return made
  }
  const readScript = 'dd if="$1" of=/dev/null bs=4M iflag=direct,count_bytes count="$2" status=none'
  const bothScript =
    'dd if="$1" of=/dev/null bs=4M iflag=direct,count_bytes count="$2" status=none & dd if="$3" of=/dev/null bs=4M status=none; wait'
  const compareScript = 'dd if="$1" bs=4M iflag=direct,count_bytes count="$2" status=none | cmp - "$3"'
  for (const kind of ['raw', 'gzip', 'zstd', 'xz'] as const) {
    if (!wanted.has(kind)) continue
    const against = pipes[kind].map(({ text, script }) => ({ script, row: row(`write ${kind}`, text) }))
    const back = kind === 'raw' ? row('read back (part of every flash)', 'dd iflag=direct') : null
    const other = peer ? row(`write ${kind}`, 'etcher-sdk 10.2.15') : null
    for (let run = 0; run < runs; run += 1) {
      wipe(device)
      const ours = own('flash', images[kind], device)
      if (!bytesAreRight(images.raw, device, sizeBytes)) throw new Error(`wrong bytes after writing ${kind}`)
      peakMib = Math.max(peakMib, ours.maxRssMib)
      for (const { script, row } of against) {
        row.ownMs.push(ours.writeMs)
        row.otherMs.push(timed(script, images[kind], device.path))
      }
      back?.ownMs.push(ours.verifyMs)
      back?.otherMs.push(timed(readScript, device.path, String(sizeBytes)))
      if (other) peerRun(other, { images, kind, sizeBytes }, device, ours)
    }
  }
  if (!wanted.has('verify')) return rows
  bash(`dd if="$1" of="$2" ${ddOptions}`, images.raw, device.path)
  const what = 'verify IMAGE TARGET, raw'
  const card = row(what, 'dd iflag=direct (reads the card only)')
  const both = row(what, 'two dd at once (read both)')
  const compared = row(what, 'dd iflag=direct \\| cmp (reads both)')
  for (let run = 0; run < runs; run += 1) {
    const ours = own('verify', images.raw, device)
    peakMib = Math.max(peakMib, ours.maxRssMib)
    for (const { ownMs } of [card, both, compared]) ownMs.push(ours.verifyMs)
    card.otherMs.push(timed(readScript, device.path, String(sizeBytes)))
    both.otherMs.push(timed(bothScript, device.path, String(sizeBytes), images.raw))
    compared.otherMs.push(timed(compareScript, device.path, String(sizeBytes), images.raw))
  }
  return rows
}

interface PeerWork {
  images: Images
  kind: keyof Images
  sizeBytes: number
}

function peerRun(row: Row, { images, kind, sizeBytes }: PeerWork, device: BenchDevice, ours: OwnRun): void {
  wipe(device)
  try {
    const { totalMs, failures, maxRssMib } = runPeer(images[kind], device)
    row.ownMs.push(ours.writeMs)
    row.otherMs.push(totalMs)
    const right = bytesAreRight(images.raw, device, sizeBytes)
    row.note = failures.length > 0 ? `it failed: ${failures[0]}` : `${right ? 'bytes right' : 'WRONG BYTES'}, ${maxRssMib} MiB`
  } catch (thrown) {
    row.note = `it ended with ${thrown instanceof Error ? thrown.message.split('\n')[0] : thrown}`
  }
}

function median(numbers: number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function table(rows: Row[]): string {
  const lines = rows.map(({ device, sizeMib, what, against, ownMs, otherMs, note }) => {
    const speed = (ms: number[]) => (ms.length > 0 ? `${Math.round((sizeMib / median(ms)) * 1000)}` : '')
    const ratio = otherMs.length > 0 ? (median(otherMs) / median(ownMs)).toFixed(2) : ''
    return `| ${[device, what, sizeMib, speed(ownMs), against, speed(otherMs), ratio, note].join(' | ')} |`
  })
  return ['| device | what | MiB | MiB/s | against | MiB/s | ratio | |', '|---|---|--:|--:|---|--:|--:|---|', ...lines].join('\n')
}

// What runs at the moment gets the signal too and fails, and then everything is removed as at any other end.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})

const folder = benchFolder()
const devices: BenchDevice[] = []
try {
  if (wanted.delete('inspect')) {
    console.error('making cards to inspect …')
    console.log(`${await inspectFigures(folder, runs)}\n`)
  }
  if (wanted.delete('backup')) {
    console.error('saving a card …')
    console.log(`${await backupFigures(folder, Math.min(runs, 3), values.size === undefined ? 1024 : Number(values.size))}\n`)
  }
  if (wanted.delete('restore')) {
    console.error('making an archive to restore …')
    console.log(`${await restoreFigures(folder, Math.min(runs, 3), values.size === undefined ? 1024 : Number(values.size))}\n`)
  }
  for (const script of ['e2fsck', 'squashfs']) if (wanted.delete(script)) console.log(`${alone(script)}\n`)
  if (wanted.size > 0) await speeds()
} finally {
  for (const device of devices) device.remove()
  rmSync(folder, { recursive: true, force: true })
}

/** A benchmark with a script of its own, which prints its table. */
function alone(script: string): string {
  console.error(`measuring ${script} …`)
  const size = script === 'squashfs' && values.size !== undefined ? ['--size', values.size] : []
  const args = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, `${script}.ts`), ...size]
  return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

function sizeOf(kind: Kind): number {
  return values.size === undefined ? usualMib[kind] : Number(values.size)
}

async function speeds(): Promise<void> {
  let peer = false
  if (values.peer) {
    const missing = installPeer()
    peer = missing === null
    if (missing) console.log(`etcher-sdk could not be installed here, so it is not compared: ${missing}\n`)
  }
  const rows: Row[] = []
  const tasks = kinds.filter((kind) => wanted.has(kind))
  for (const sizeMib of new Set(tasks.map(sizeOf))) {
    const own = new Set<Kind>(tasks.filter((kind) => sizeOf(kind) === sizeMib))
    console.error(`making images of ${sizeMib} MiB: ${[...own].join(', ')} …`)
    const images = makeImages(folder, sizeMib * mebibyte, own)
    for (const make of [loopDevice.bind(null, folder), zramDevice]) {
      const device = make((sizeMib + 64) * mebibyte)
      if (!device) {
        console.log('There is no free zram device here; that half is left out.\n')
        continue
      }
      devices.push(device)
      console.error(`measuring on ${device.name} …`)
      rows.push(...measure(device, { images, sizeMib, wanted: own }, peer))
      device.remove()
      devices.pop()
    }
    for (const path of Object.values(images)) rmSync(path, { force: true })
  }
  console.log(table(rows))
  const load = loadavg()[0]?.toFixed(1)
  console.log(
    `\nMedian of ${runs}, ${cpus().length} cores (${cpus()[0]?.model}), load ${load}. Peak memory of ours: ${peakMib} MiB.`,
  )
}
