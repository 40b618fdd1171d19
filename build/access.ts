/** Compiles the opener of drives and the receiver of its descriptor (native-helpers/access), with a C compiler and nothing else. Linux only. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { builtFolder, programNames } from '../native-helpers/access/programs.ts'

const exec = promisify(execFile)
const top = fileURLToPath(new URL('..', import.meta.url))
const sources = join(top, 'native-helpers', 'access')

const openerSources = ['open-drive.c', 'udisks.c', 'broker.c']
const receiverSources = ['receive.c']
const headers = ['access.h']

const common = [
  '-std=gnu17',
  '-O2',
  '-Wall',
  '-Wextra',
  '-Werror=implicit-function-declaration',
  '-fstack-protector-strong',
  '-D_FORTIFY_SOURCE=2',
]
const openerFlags = [...common, '-fPIE', '-pie', '-Wl,-z,relro,-z,now']
const receiverFlags = [...common, '-fPIC', '-shared', '-fvisibility=hidden']

export interface BuiltAccess {
  folder: string
  openDrive: string
  receiver: string
}

/** Idempotent: compiles only what does not stand there yet, by the hash of sources, flags and machine. Two at once do not disturb each other. */
export async function buildAccess(): Promise<BuiltAccess> {
  const folder = join(top, builtFolder)
  const built = { folder, openDrive: join(folder, programNames.openDrive), receiver: join(folder, programNames.receiver) }
  const stamp = join(folder, 'stamp')
  const wanted = await fingerprint()
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return built
  await mkdir(folder, { recursive: true })
  await compile(openerFlags, openerSources, built.openDrive)
  await compile(receiverFlags, receiverSources, built.receiver)
  await writeFile(stamp, wanted)
  return built
}

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([process.arch, openerFlags, receiverFlags]))
  for (const name of [...openerSources, ...receiverSources, ...headers]) hash.update(await readFile(join(sources, name)))
  return hash.digest('hex')
}

async function compile(flags: string[], names: string[], output: string): Promise<void> {
  const unfinished = `${output}.${process.pid}`
  try {
    await exec('cc', [...flags, '-o', unfinished, ...names.map((name) => join(sources, name))])
    await rename(unfinished, output)
  } catch (thrown) {
    await rm(unfinished, { force: true })
    const said = thrown as { stderr?: string; message?: string }
    throw new Error(`a C compiler (gcc) could not build ${names[0]}: ${said.stderr || said.message}`)
  }
}
