/**
 * Side by side with dd and the unpackers: `npm run bench`, as root, on a machine that has nothing else to do.
 *   --size 1024   MiB of the image      --runs 5   of which the median counts      --only raw,gzip,zstd,xz,verify,inspect      --peer   etcher-sdk too
 * Everything is made in memory and removed again. Prints a table in Markdown.
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { inspectFigures } from './inspect.ts'
import { installPeer, runPeer } from './peer.ts'
import { type BenchDevice, bash, benchFolder, type Images, loopDevice, makeImages, zramDevice } from './workload.ts'

interface OwnRun {
  writeMs: number
  verifyMs: number
  maxRssMib: number
}

interface Row {
  device: string
  what: string
  against: string
  ownMs: number[]
  otherMs: number[]
  note: string
}

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1024' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: 'raw,gzip,zstd,xz,verify,inspect' },
    peer: { type: 'boolean', default: false },
  },
})
const sizeBytes = Number(values.size) * 1024 * 1024
const runs = Number(values.runs)
const wanted = new Set(values.only.split(','))
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

function bytesAreRight(raw: string, device: BenchDevice): boolean {
  try {
    bash('cmp -s -n "$3" "$1" "$2"', raw, device.path, String(sizeBytes))
    return true
  } catch {
    return false
  }
}

function wipe(device: BenchDevice): void {
  bash('dd if=/dev/zero of="$1" bs=4M count=4 oflag=direct status=none', device.path)
}

let peakMib = 0

function measure(device: BenchDevice, images: Images, peer: boolean): Row[] {
  const rows: Row[] = []
  const row = (what: string, against: string): Row => {
    const made: Row = { device: device.name, what, against, ownMs: [], otherMs: [], note: '' }
    rows.push(made)
    return made
  }
  const readScript = 'dd if="$1" of=/dev/null bs=4M iflag=direct,count_bytes count="$2" status=none'
  const compareScript = 'dd if="$1" bs=4M iflag=direct,count_bytes count="$2" status=none | cmp - "$3"'
  for (const kind of ['raw', 'gzip', 'zstd', 'xz'] as const) {
    if (!wanted.has(kind)) continue
    const against = pipes[kind].map(({ text, script }) => ({ script, row: row(`write ${kind}`, text) }))
    const back = kind === 'raw' ? row('read back (part of every flash)', 'dd iflag=direct') : null
    const other = peer ? row(`write ${kind}`, 'etcher-sdk 10.2.15') : null
    for (let run = 0; run < runs; run += 1) {
      wipe(device)
      const ours = own('flash', images[kind], device)
      if (!bytesAreRight(images.raw, device)) throw new Error(`wrong bytes after writing ${kind}`)
      peakMib = Math.max(peakMib, ours.maxRssMib)
      for (const { script, row } of against) {
        row.ownMs.push(ours.writeMs)
        row.otherMs.push(timed(script, images[kind], device.path))
      }
      back?.ownMs.push(ours.verifyMs)
      back?.otherMs.push(timed(readScript, device.path, String(sizeBytes)))
      if (other) peerRun(other, images, kind, device, ours)
    }
  }
  if (!wanted.has('verify')) return rows
  bash(`dd if="$1" of="$2" ${ddOptions}`, images.raw, device.path)
  const what = 'verify IMAGE TARGET, raw'
  const card = row(what, 'dd iflag=direct (reads the card only)')
  const both = row(what, 'dd iflag=direct \\| cmp (reads both)')
  for (let run = 0; run < runs; run += 1) {
    const ours = own('verify', images.raw, device)
    peakMib = Math.max(peakMib, ours.maxRssMib)
    for (const { ownMs } of [card, both]) ownMs.push(ours.verifyMs)
    card.otherMs.push(timed(readScript, device.path, String(sizeBytes)))
    both.otherMs.push(timed(compareScript, device.path, String(sizeBytes), images.raw))
  }
  return rows
}

function peerRun(row: Row, images: Images, kind: keyof Images, device: BenchDevice, ours: OwnRun): void {
  wipe(device)
  try {
    const { totalMs, failures, maxRssMib } = runPeer(images[kind], device)
    row.ownMs.push(ours.writeMs)
    row.otherMs.push(totalMs)
    const right = bytesAreRight(images.raw, device)
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
  const speed = (ms: number[]) => (ms.length > 0 ? `${Math.round((sizeBytes / 1024 / 1024 / median(ms)) * 1000)}` : '')
  const lines = rows.map(({ device, what, against, ownMs, otherMs, note }) => {
    const ratio = otherMs.length > 0 ? (median(otherMs) / median(ownMs)).toFixed(2) : ''
    return `| ${[device, what, speed(ownMs), against, speed(otherMs), ratio, note].join(' | ')} |`
  })
  return ['| device | what | MiB/s | against | MiB/s | ratio | |', '|---|---|--:|---|--:|--:|---|', ...lines].join('\n')
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
  if (wanted.size > 0) await speeds()
} finally {
  for (const device of devices) device.remove()
  rmSync(folder, { recursive: true, force: true })
}

async function speeds(): Promise<void> {
  let peer = false
  if (values.peer) {
    const missing = installPeer()
    peer = missing === null
    if (missing) console.log(`etcher-sdk could not be installed here, so it is not compared: ${missing}\n`)
  }
  console.error(`making images of ${values.size} MiB …`)
  const images = makeImages(folder, sizeBytes, wanted)
  const deviceBytes = sizeBytes + 64 * 1024 * 1024
  const rows: Row[] = []
  for (const make of [() => loopDevice(folder, deviceBytes), () => zramDevice(deviceBytes)]) {
    const device = make()
    if (!device) {
      console.log('There is no free zram device here; that half is left out.\n')
      continue
    }
    devices.push(device)
    console.error(`measuring on ${device.name} …`)
    rows.push(...measure(device, images, peer))
    device.remove()
    devices.pop()
  }
  console.log(table(rows))
  const load = loadavg()[0]?.toFixed(1)
  console.log(
    `\n${values.size} MiB, median of ${runs}, ${cpus().length} cores (${cpus()[0]?.model}), load ${load}. Peak memory of ours: ${peakMib} MiB.`,
  )
}
