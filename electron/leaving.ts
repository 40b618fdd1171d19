/**
 * Closing the window ends the app. While a card is being written it asks first, and a job that is stopped is waited for; a change of a card cannot be stopped,
 * so its end is waited for, however long it takes.
 */
import { app, type BrowserWindow, dialog } from 'electron'
import type { Change, Job } from '../native-helpers/contract.ts'
import { type Client, createClient } from '../native-helpers/contract-client.ts'
import type { HelperLink } from './helper-link.ts'
import { words } from './words.ts'

/** How long a stopped job may take to leave its card in a named state. */
const stopMs = 20_000

export interface Leaving {
  /** Takes charge of the window's closing. */
  guard(window: BrowserWindow): void
}

export function guardLeaving(link: HelperLink): Leaving {
  const running = new Set<string>()
  let client: Client | null = null
  let emptied = () => {}
  const changing = new Set<string>()
  let unchanging = () => {}
  const noteChange = (change: Change) => {
    if (change.state === 'running') changing.add(change.id)
    else changing.delete(change.id)
    if (changing.size === 0) unchanging()
  }
  const note = (job: Job) => {
    if (job.state === 'running') running.add(job.id)
    else running.delete(job.id)
    if (running.size === 0) emptied()
  }

  link.onStart(() => {
    client = createClient(link.connect())
    client.on('job', note)
    client.on('change', noteChange)
    client.onClose(() => {
      running.clear()
      changing.clear()
      emptied()
      unchanging()
    })
    void client.call('jobs.list', {}).then((listed) => {
      if (listed.ok) for (const job of listed.value) note(job)
    })
    void client.call('changes.list', {}).then((listed) => {
      if (listed.ok) for (const change of listed.value) noteChange(change)
    })
  })

  const stopJobs = async () => {
    const allEnded = new Promise<void>((resolve) => {
      emptied = resolve
      setTimeout(resolve, stopMs)
    })
    await Promise.all([...running].map((jobId) => client?.call('jobs.cancel', { jobId })))
    if (running.size > 0) await allEnded
  }

  const changesEnd = async () => {
    if (changing.size === 0) return
    await new Promise<void>((resolve) => {
      unchanging = resolve
    })
  }

  return {
    guard(window) {
      let asking = false
      let leave = false
      window.on('close', (event) => {
        if (leave) return
        event.preventDefault()
        if (asking) return
        asking = true
        void (async () => {
          const mayLeave = (changing.size === 0 || (await mayWait(window))) && (running.size === 0 || (await mayStop(window)))
          if (mayLeave) {
            await Promise.all([stopJobs(), changesEnd()])
            await link.stop()
            leave = true
            // `exit` asks nobody again; the helper is gone and the page has nothing to save.
            app.exit(0)
          }
          asking = false
        })()
      })
    },
  }
}

function mayStop(window: BrowserWindow): Promise<boolean> {
  return ask(window, words.quitTitle, words.quitDetail, [words.keepOn, words.stopAndQuit])
}

function mayWait(window: BrowserWindow): Promise<boolean> {
  return ask(window, words.changingTitle, words.changingDetail, [words.stayOpen, words.closeWhenDone])
}

/** True for the second answer; the first is that of Escape. */
async function ask(window: BrowserWindow, message: string, detail: string, buttons: [string, string]): Promise<boolean> {
  const answer = await dialog.showMessageBox(window, {
    type: 'warning',
    message,
    detail,
    buttons,
    defaultId: 0,
    cancelId: 0,
    noLink: true,
  })
  return answer.response === 1
}
