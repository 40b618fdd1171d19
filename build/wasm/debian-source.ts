/** Debian's source packages, checked by apt's signatures, without touching the machine's own list of sources. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)

export interface Archive {
  uri: string
  suite: string
  component: string
}

/** A source package, and the binary package of it that this machine may have installed. */
export interface Names {
  source: string
  binary: string
}

const e2fsprogs: Names = { source: 'e2fsprogs', binary: 'e2fsprogs' }

/**
 * The version of the source package that this machine's e2fsprogs was built from, so that the programs in WebAssembly are the same as the native ones beside them;
 * where there is none, the version that the archive offers, and null where nobody knows before the lists are fetched.
 */
export async function sourceVersion({ binary } = e2fsprogs): Promise<string | null> {
  const status = `\${db:Status-Status} \${source:Version}`
  const installed = await exec('dpkg-query', ['-W', '-f', status, binary]).catch(() => null)
  const [state, version] = installed?.stdout.trim().split(' ') ?? []
  if (state === 'installed' && version) return version
  const offered = await exec('apt-cache', ['show', '--no-all-versions', binary]).catch(() => null)
  return offered ? offeredVersion(offered.stdout) : null
}

/** "Source: e2fsprogs (1.47.0-2)" where a binary was rebuilt, else the binary's own version. */
function offeredVersion(record: string): string | null {
  return /^Source: \S+ \((.+)\)$/m.exec(record)?.[1] ?? /^Version: (.+)$/m.exec(record)?.[1] ?? null
}

/** Where the machine's own lists say that e2fsprogs comes from: "e2fsprogs | 1.47.0-2+b2 | http://… bookworm/main amd64 Packages". */
export async function archives({ binary } = e2fsprogs): Promise<Archive[]> {
  const { stdout } = await exec('apt-cache', ['madison', binary])
  const found: Archive[] = []
  for (const line of stdout.split('\n')) {
    const [uri, place] = line.split('|')[2]?.trim().split(/\s+/) ?? []
    const [suite, component] = place?.split('/') ?? []
    if (uri && suite && component && !found.some((archive) => archive.uri === uri && archive.suite === suite))
      found.push({ uri, suite, component })
  }
  return found
}

const keyrings = ['/usr/share/keyrings/debian-archive-keyring.gpg', '/usr/share/keyrings/ubuntu-archive-keyring.gpg']

/** The entry that lets apt fetch sources. Where the distribution's keyring is not at its usual place, apt falls back to the keys it trusts anyway. */
function sourceEntry({ uri, suite, component }: Archive): string {
  const present = keyrings.filter((path) => existsSync(path))
  const signedBy = present.length > 0 ? `Signed-By: ${present.join(' ')}\n` : ''
  return `Types: deb-src\nURIs: ${uri}\nSuites: ${suite}\nComponents: ${component}\n${signedBy}`
}

/** Fetches and unpacks into `folder`/source; answers the version. Everything of apt's (lists, cache, entry) lies in `folder` too. */
export async function fetchSource(folder: string, version: string | null, names = e2fsprogs): Promise<string> {
  const { source } = names
  const from = await archives(names)
  if (from.length === 0) throw new Error(`apt knows no ${names.binary}; "apt-get update" may help`)
  const apt = join(folder, 'apt')
  const parts = join(apt, 'sources')
  for (const inside of [parts, join(apt, 'lists', 'partial'), join(apt, 'cache', 'archives', 'partial')])
    await mkdir(inside, { recursive: true })
  await writeFile(join(parts, 'source.sources'), from.map(sourceEntry).join('\n'))
  const options = [
    'Dir::Etc::SourceList=/dev/null',
    `Dir::Etc::SourceParts=${parts}`,
    `Dir::State::Lists=${join(apt, 'lists')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    // The folder belongs to this user, and apt would otherwise fetch as one who may not write here.
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
  ].flatMap((option) => ['-o', option])
  const running = { cwd: folder, maxBuffer: 1 << 26, env: { ...process.env, LC_ALL: 'C' } }
  await exec('apt-get', [...options, 'update', '-qq'], running)
  const name = version === null ? source : `${source}=${version}`
  await exec('apt-get', [...options, 'source', '--download-only', '--only-source', '-qq', name], running)
  const description = (await readdir(folder)).find((file) => file.endsWith('.dsc'))
  if (!description) throw new Error(`apt fetched no source of ${name}`)
  // apt has compared the files with the signed lists; the maintainer's own signature on the .dsc would need his key.
  await exec('dpkg-source', ['--no-check', '-x', description, 'source'], running)
  return description.slice(source.length + 1, -'.dsc'.length)
}
