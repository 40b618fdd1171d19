/** Closing the window ends the app. While a card is being written it asks first, and a job that is stopped is waited for. */
import { app, type BrowserWindow, dialog } from 'electron'
import type { Job } from '../native-helpers/contract.ts'
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
  const note = (job: Job) => {
    if (job.state === 'running') running.add(job.id)
    else running.delete(job.id)
    if (running.size === 0) emptied()
  }

  link.onStart(() => {
    client = createClient(link.connect())
    client.on('job', note)
    client.onClose(() => {
      running.clear()
      emptied()
    })
    void client.call('jobs.list', {}).then((listed) => {
      if (listed.ok) for (const job of listed.value) note(job)
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
          if (running.size === 0 || (await mayStop(window))) {
            await stopJobs()
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

async function mayStop(window: BrowserWindow): Promise<boolean> {
  const answer = await dialog.showMessageBox(window, {
    type: 'warning',
    message: words.quitTitle,
    detail: words.quitDetail,
    buttons: [words.keepOn, words.stopAndQuit],
    defaultId: 0,
    cancelId: 0,
    noLink: true,
  })
  return answer.response === 1
}
