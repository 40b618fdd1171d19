/** `npm run fuzz [-- --images N] [--seconds S] [--seed N] [--processes N] [--only TARGET…] [--blind] [--resume] [--replay FILE]`: damaged images over all parsers. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'
import type { Find } from './hunt.ts'
import { mutated } from './mutation.ts'
import { readProgress } from './progress.ts'
import { fuzzTargets } from './targets.ts'

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '7200' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string', multiple: true, default: [] },
    blind: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
    replay: { type: 'string' },
  },
})

if (values.replay === undefined) process.exitCode = await run()
else await replay(JSON.parse(readFileSync(values.replay, 'utf8')) as Find)

async function run(): Promise<number> {
  const findsFolder = fileURLToPath(new URL('../output/fuzz', import.meta.url))
  const progressFile = join(findsFolder, 'progress.json')
  const result = await fuzz({
    images: Number(values.images),
    seconds: Number(values.seconds),
    seed: Number(values.seed),
    processes: Number(values.processes),
    only: values.only,
    guided: !values.blind,
    findsFolder,
    ...(values.resume && existsSync(progressFile) ? { before: readProgress(progressFile) } : {}),
    progressFile,
    say: (line) => process.stderr.write(`${line}\n`),
  })
  for (const [name, { images, kept, slowestMs, peakBytes }] of Object.entries(result.states)) {
    process.stdout.write(
      `${name.padEnd(10)} ${String(images).padStart(8)} images  ${String(kept).padStart(6)} led somewhere new  slowest ${String(Math.round(slowestMs)).padStart(5)} ms  peak memory ${inMiB(peakBytes)}\n`,
    )
  }
  process.stdout.write(
    `${result.images} images in ${Math.round(result.seconds)} s, ${result.finds.length} finds, slowest ${Math.round(result.slowestMs)} ms, peak memory ${inMiB(result.peakBytes)}\n`,
  )
  for (const { target, seed, what } of result.finds.slice(0, 10)) process.stdout.write(`\n${target}, ${seed}: ${what}\n`)
  if (result.finds.length > 0) process.stdout.write(`\nto read one again: npm run fuzz -- --replay test/output/fuzz/FILE\n`)
  return result.finds.length > 0 ? 1 : 0
}

function inMiB(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`
}

async function replay(find: Find): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-fuzz-'))
  try {
    const [target] = await fuzzTargets(folder, [find.target])
    const seed = target?.seeds.find(({ name }) => name === find.seed)
    if (!target || !seed) throw new Error(`there is no seed "${find.seed}" of "${find.target}"`)
    const patches = find.mutation.patches.map(({ offset, hex }) => ({ offset, bytes: Buffer.from(hex, 'hex') }))
    await target.read(mutated(seed.device, { patches, sizeBytes: find.mutation.sizeBytes }))
    process.stdout.write('nothing came of it this time\n')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
