/** One job of ours in a process of its own, timed from within: node ours.ts flash|verify IMAGE DEVICE. Prints one line of JSON. */
import { findDrive } from '../../native-helpers/drives/find.ts'
import { openForReading, openForWriting } from '../../native-helpers/drives/open.ts'
import { WorkState } from '../../native-helpers/imaging/flash-state.ts'
import { openImage } from '../../native-helpers/imaging/open-image.ts'
import { flashImage } from '../../native-helpers/imaging/pipeline.ts'
import { probeImage } from '../../native-helpers/imaging/probe.ts'
import { blocksFor } from '../../native-helpers/imaging/stream.ts'
import { warmThreads } from '../../native-helpers/imaging/threads.ts'
import { verifyImage } from '../../native-helpers/imaging/verify.ts'
import { ensureThreadPool } from '../../native-helpers/jobs/thread-pool.ts'

ensureThreadPool()
const [kind, location = '', path = ''] = process.argv.slice(2)
const facts = await probeImage({ location })
// As a job does, before it looks at its drives.
warmThreads()
const drive = await findDrive(path)
const device = kind === 'flash' ? await openForWriting(drive.identity, { allowVirtual: true }) : await openForReading(path)
const state = new WorkState([path], facts.contentBytes, facts.storedBytes)
const [own] = state.targets
if (!own) throw new Error('no target')

const started = performance.now()
const shared = {
  stream: await openImage(facts, blocksFor(facts.format, 1)),
  targets: [{ device, state: own }],
  state,
  map: null,
  checkDigests: () => {},
  signal: new AbortController().signal,
}
if (kind === 'flash') await flashImage({ ...shared, verify: true })
else await verifyImage(shared)
const ended = performance.now()
if (own.state !== 'done') throw own.error

const { verifying = ended, finishing = ended } = state.began
const verifyMs = finishing - verifying
console.log(
  JSON.stringify({ writeMs: ended - started - verifyMs, verifyMs, maxRssMib: Math.round(process.resourceUsage().maxRSS / 1024) }),
)
process.exit(0)
