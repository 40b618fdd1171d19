/** Ties the stores to the helper: what it reports goes into them. Runs once per page. */
import { type Change, contractVersion, type Drive, type Job } from '../../native-helpers/contract.ts'
import { openTransport, type Transport } from '../transport.ts'
import { backupFraction, runningBackups, useBackup } from './backup.ts'
import { useCards } from './cards.ts'
import { changeFraction, runningChanges, useChanges } from './changes.ts'
import { useConnection } from './connection.ts'
import { useDrives } from './drives.ts'
import { useFlash } from './flash.ts'
import { useHistory } from './history.ts'
import { overallFraction, useJobs } from './jobs.ts'

export async function startSession(): Promise<void> {
  const { opened, lost } = useConnection.getState()
  let transport: Transport
  try {
    transport = await openTransport()
  } catch (thrown) {
    return lost(thrown instanceof Error ? thrown.message : String(thrown))
  }
  const { client } = transport
  client.onClose((reason) => {
    useJobs.getState().helperLost()
    useChanges.getState().helperLost()
    transport.setProgress(null)
    lost(reason)
  })
  client.on('drives', drivesReceived)
  client.on('job', (job) => jobReceived(job, transport))
  client.on('change', (change) => changeReceived(change, transport))
  client.on('backup', (job) => {
    useBackup.getState().received(job)
    tellProgress(transport)
  })

  const hello = await client.call('hello', {})
  if (!hello.ok) return lost(hello.error.message)
  if (hello.value.contract !== contractVersion)
    return lost(`it speaks version ${hello.value.contract} of the contract, not ${contractVersion}`)
  const [drives, jobs, changes, backups] = await Promise.all([
    client.call('drives.watch', {}),
    client.call('jobs.list', {}),
    client.call('changes.list', {}),
    client.call('backup.jobs', {}),
  ])
  if (drives.ok) drivesReceived(drives.value)
  if (jobs.ok) useJobs.getState().listed(jobs.value)
  if (backups.ok) useBackup.getState().listed(backups.value)
  if (changes.ok) useChanges.getState().listed(changes.value)
  opened(transport, hello.value)
  useChanges.getState().knownAgain(changes.ok ? changes.value : [])
  void useChanges.getState().loadUndoFiles()
  const ended = await useHistory.getState().load()
  useJobs.getState().knownAgain([...(jobs.ok ? jobs.value : []), ...ended])
}

function drivesReceived(drives: Drive[]): void {
  const before = useDrives.getState().drives
  useDrives.getState().received(drives, Date.now())
  useFlash.getState().drivesChanged(before, drives)
}

function jobReceived(job: Job, transport: Transport): void {
  useJobs.getState().received(job)
  tellProgress(transport)
  if (job.state === 'running') return
  void useHistory.getState().load()
  // What was seen before is not what is there now.
  if (job.kind === 'flash') for (const target of job.targets) useCards.getState().forget(target.path)
}

function changeReceived(change: Change, transport: Transport): void {
  useChanges.getState().received(change)
  tellProgress(transport)
}

/** The taskbar has one bar: the jobs' where any runs, as they take longest. */
function tellProgress(transport: Transport): void {
  const [change] = runningChanges(useChanges.getState().changes)
  const [backup] = runningBackups(useBackup.getState().jobs)
  const other = change ? (changeFraction(change) ?? 0) : backup ? (backupFraction(backup) ?? 0) : null
  transport.setProgress(overallFraction(useJobs.getState().jobs) ?? other)
}
