import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Images {
  raw: string
  gzip: string
  zstd: string
  xz: string
}

/** A folder in memory, so that no disk of this machine is measured. */
export function benchFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'livecard-bench-'))
}

/** What systems are made of: the programs, libraries and texts of this one, as often as they are needed. */
export function makeImages(folder: string, sizeBytes: number, wanted: ReadonlySet<string>): Images {
  const raw = join(folder, 'image.img')
  bash('tar -c --sort=name -C / usr 2>/dev/null | head -c "$2" > "$1" || true', raw, String(sizeBytes))
  const once = statSync(raw).size
  for (let filled = once; filled < sizeBytes; filled += once)
    bash('head -c "$2" "$1" >> "$1"', raw, String(Math.min(once, sizeBytes - filled)))
  truncateSync(raw, sizeBytes)
  const gzip = `${raw}.gz`
  const zstd = `${raw}.zst`
  const xz = `${raw}.xz`
  if (wanted.has('gzip')) bash('gzip -6 -c "$1" > "$2"', raw, gzip)
  if (wanted.has('zstd')) bash('zstd -q -3 -T0 -c "$1" > "$2"', raw, zstd)
  if (wanted.has('xz')) bash('xz -1 -T0 --block-size=16MiB -c "$1" > "$2"', raw, xz)
  return { raw, gzip, zstd, xz }
}

export interface BenchDevice {
  name: string
  path: string
  sectorSize: number
  sizeBytes: number
  remove: () => void
}

export function loopDevice(folder: string, sizeBytes: number): BenchDevice {
  const backing = join(folder, 'card.img')
  writeFileSync(backing, '')
  truncateSync(backing, sizeBytes)
  const path = execFileSync('losetup', ['--find', '--show', backing], { encoding: 'utf8' }).trim()
  const remove = () => {
    execFileSync('losetup', ['--detach', path])
    rmSync(backing)
  }
  return { name: 'loop over tmpfs', path, sectorSize: 512, sizeBytes, remove }
}

/** Null where there is none, or somebody uses it. */
export function zramDevice(sizeBytes: number): BenchDevice | null {
  const sys = '/sys/block/zram0'
  if (!existsSync(sys) || readFileSync(join(sys, 'disksize'), 'utf8').trim() !== '0') return null
  writeFileSync(join(sys, 'disksize'), String(sizeBytes))
  return { name: 'zram', path: '/dev/zram0', sectorSize: 4096, sizeBytes, remove: () => writeFileSync(join(sys, 'reset'), '1') }
}

export function bash(script: string, ...args: string[]): void {
  execFileSync('bash', ['-o', 'pipefail', '-c', script, 'bench', ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
}
