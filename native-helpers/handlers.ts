import { release, type as systemName } from 'node:os'
import { contractVersion } from './contract.ts'
import { listDrives } from './drives/list.ts'
import { watchDrives } from './drives/watch.ts'
import type { Handlers } from './helper.ts'
import { browse } from './imaging/browse.ts'
import { probeImage } from './imaging/probe.ts'
import { Archives } from './jobs/archives.ts'
import { CardBackups } from './jobs/card-backups.ts'
import { growingOnCard } from './jobs/change.ts'
import { Changes } from './jobs/changes.ts'
import { listPracticeCards, makePracticeCard } from './jobs/demo/make-cards.ts'
import { saveBundle } from './jobs/inspect-bundle.ts'
import { Inspections } from './jobs/inspections.ts'
import type { JobRunner } from './jobs/job-runner.ts'
import { Tickets } from './jobs/tickets.ts'
import { version } from './version.ts'

/** What each request of the contract means: the one place where the contract meets jobs, drives and images. */
export function createHandlers(runner: JobRunner, changes = new Changes(), backups = new CardBackups()): Handlers {
  const driveWatchers = new WeakSet<object>()
  const jobWatchers = new WeakSet<object>()
  const inspections = new Inspections()
  const tickets = new Tickets()
  const archives = new Archives()
  const changeWatchers = new WeakSet<object>()
  const backupWatchers = new WeakSet<object>()
  const savers = new WeakSet<object>()

  return {
    hello: () => ({
      version,
      contract: contractVersion,
      platform: `${systemName()} ${release()}`,
      runtime: `Node ${process.versions.node}`,
      privileged: process.getuid?.() === 0,
    }),
    'drives.list': () => listDrives(),
    async 'drives.watch'(_params, caller) {
      if (!driveWatchers.has(caller)) {
        driveWatchers.add(caller)
        caller.onClose(watchDrives((drives) => caller.emit('drives', drives)))
      }
      return listDrives()
    },
    'images.probe': (ref) => probeImage(ref),
    'images.browse': ({ folder }) => browse(folder),
    'cards.inspect': ({ ticket, ...asked }, caller) => tickets.run(ticket, caller, (signal) => inspections.run(asked, signal)),
    async 'cards.bundle'(request) {
      const { path, sizeBytes } = await saveBundle(request)
      return { path, sizeBytes }
    },
    'cards.stop'({ ticket }) {
      tickets.stop(ticket)
      return {}
    },
    'demo.list': () => listPracticeCards(),
    async 'demo.make'({ id, folder }) {
      const { path } = await makePracticeCard(id, folder, { ifThere: 'number' })
      return { path }
    },
    'changes.growing': ({ path, base, ticket }, caller) =>
      tickets.run(ticket, caller, (signal) => growingOnCard(path, base, signal)),
    'changes.plan': ({ ticket, ...request }, caller) => tickets.run(ticket, caller, (signal) => changes.plan(request, signal)),
    'changes.stop'({ ticket }) {
      tickets.stop(ticket)
      return {}
    },
    'changes.start': ({ planId, confirmed }) => ({ changeId: changes.start(planId, confirmed) }),
    'changes.list'(_params, caller) {
      if (!changeWatchers.has(caller)) {
        changeWatchers.add(caller)
        caller.onClose(changes.onChange((change) => caller.emit('change', change)))
      }
      return changes.list()
    },
    'undo.list': () => changes.undoFiles(),
    'undo.plan': (asked) => changes.planUndo(asked),
    'undo.start': ({ planId, confirmed }) => ({ changeId: changes.startUndo(planId, confirmed) }),
    async 'undo.remove'({ file }) {
      await changes.removeUndoFile(file)
      return {}
    },
    'archive.open': ({ file, ticket }, caller) => tickets.run(ticket, caller, (signal) => archives.open(file, caller, signal)),
    'archive.folder': ({ archiveId, folder }) => archives.folder(archiveId, folder),
    'archive.close'({ archiveId }) {
      archives.close(archiveId)
      return {}
    },
    'backup.open'(request, caller) {
      if (!savers.has(caller)) {
        savers.add(caller)
        caller.onClose(() => void backups.closeAllOf(caller))
      }
      return backups.open(request, caller)
    },
    'backup.folder': ({ backupId, folder }) => backups.folder(backupId, folder),
    'backup.estimate': ({ backupId, ...choice }) => backups.estimate(backupId, choice),
    'backup.start': async ({ backupId, file, ...choice }) => ({ jobId: await backups.start(backupId, choice, file) }),
    'backup.cancel'({ jobId }) {
      backups.cancel(jobId)
      return {}
    },
    async 'backup.close'({ backupId }) {
      await backups.close(backupId)
      return {}
    },
    'backup.jobs'(_params, caller) {
      if (!backupWatchers.has(caller)) {
        backupWatchers.add(caller)
        caller.onClose(backups.onJob((job) => caller.emit('backup', job)))
      }
      return backups.jobs()
    },
    'flash.plan': (request) => runner.planFlash(request),
    'flash.start': ({ planId, confirmed }) => ({ jobId: runner.startFlash(planId, confirmed) }),
    async 'verify.start'(request) {
      return { jobId: await runner.startVerify(request) }
    },
    'jobs.list'(_params, caller) {
      if (!jobWatchers.has(caller)) {
        jobWatchers.add(caller)
        caller.onClose(runner.onJob((job) => caller.emit('job', job)))
      }
      return runner.list()
    },
    'jobs.cancel'({ jobId }) {
      runner.cancel(jobId)
      return {}
    },
    'history.list': () => runner.history(),
  }
}
