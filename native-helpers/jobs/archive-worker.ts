import { parentPort, workerData } from 'node:worker_threads'
import { LivecardError, toErrorValue } from '../errors.ts'
import type { Manifest } from '../systems/archive/manifest.ts'
import { MemberRules } from '../systems/archive/member-rules.ts'
import { archiveBytes } from '../systems/archive/packed.ts'
import { decodeTime } from '../volumes/tar/pax.ts'
import { readTar } from '../volumes/tar/reader.ts'
import { type ArchiveItem, ArchiveTree } from './archive/tree.ts'
import type { ArchiveFacts, ArchiveMessage, ArchiveTask } from './archive-task.ts'
import { readEarlier } from './backup/since.ts'

const port = parentPort
const mostEntries = 5000
const tree = new ArchiveTree()

async function look({ file }: ArchiveTask): Promise<ArchiveFacts> {
  const manifest = await manifestOf(file)
  for (const item of manifest ? listedItems(manifest) : foundItems(file)) tree.add(item)
  return { saved: manifest && savedOf(manifest), roots: tree.in('') }
}

/** Null for an archive that somebody else has made; what keeps it from being read is told by whoever goes through it. */
async function manifestOf(file: string): Promise<Manifest | null> {
  try {
    return (await readEarlier(file)).manifest
  } catch (thrown) {
    if (thrown instanceof LivecardError && thrown.code === 'backup-unknown') return null
    throw thrown
  }
}

function savedOf({ madeAt, system, kernels, kernel, since }: Manifest): ArchiveFacts['saved'] {
  return {
    madeAt,
    system: { id: system.id, name: system.name },
    kernels: [...new Set(kernels.flatMap(({ version }) => version ?? []))],
    hasKernel: kernel !== null,
    isIncremental: since !== null,
  }
}

function* listedItems({ files }: Manifest): Generator<ArchiveItem> {
  for (const { path, kind, size, mtime, stored } of files) {
    if (!stored) continue
    const { seconds, nanoseconds } = decodeTime(Buffer.from(mtime))
    const shown = kind === 'file' || kind === 'folder' ? kind : 'other'
    yield { path, kind: shown, sizeBytes: size, modifiedAt: seconds * 1000 + Math.floor(nanoseconds / 1e6) }
  }
}

/** By its members; what breaks the rules that every archive has to keep is refused here already. */
function* foundItems(file: string): Generator<ArchiveItem> {
  const rules = new MemberRules()
  for (const { entry, writtenPath } of readTar(archiveBytes(file))) {
    rules.check(entry, writtenPath)
    const { path, kind, sizeBytes, modified, major, minor } = entry
    if (path === '' || path.startsWith('.livecard')) continue
    const isMark = kind === 'char' && major === 0 && minor === 0
    const shown = kind === 'file' || kind === 'folder' ? kind : isMark ? 'deleted' : 'other'
    yield { path, kind: shown, sizeBytes, modifiedAt: modified.seconds * 1000 }
  }
}

if (port !== null) {
  const tell = (message: ArchiveMessage) => port.postMessage(message)
  port.on('message', (folder: string) => {
    const entries = tree.in(folder)
    tell({ folder: { entries: entries.slice(0, mostEntries), truncated: entries.length > mostEntries } })
  })
  look(workerData as ArchiveTask).then(
    (facts) => tell({ look: facts }),
    (thrown) => tell({ failed: toErrorValue(thrown) }),
  )
}
