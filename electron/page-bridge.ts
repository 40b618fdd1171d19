/** Main's side of the preload: connects the page that is shown with the helper, and does what only main can do for it. */
import { type BrowserWindow, dialog, type IpcMainEvent, type IpcMainInvokeEvent, ipcMain } from 'electron'
import type { Channel } from '../native-helpers/contract.ts'
import type { HelperLink } from './helper-link.ts'
import { ipc } from './ipc-names.ts'
import { isOwnFrame } from './locks.ts'
import { words } from './words.ts'

const suffixes = ['img', 'iso', 'raw', 'bin', 'wic', 'sdcard', 'gz', 'bz2', 'xz', 'zst', 'zip']

/** Every message is checked for its sender first; from any other frame or window it is dropped. */
export function bridgePages(link: HelperLink, currentWindow: () => BrowserWindow | null): void {
  let page: { token: string; channel: Channel } | null = null
  const fromPage = (event: IpcMainEvent | IpcMainInvokeEvent) => isOwnFrame(event.senderFrame, currentWindow())

  ipcMain.on(ipc.open, (event, token: unknown) => {
    if (!fromPage(event) || typeof token !== 'string') return
    page?.channel.close()
    const channel = link.connect()
    page = { token, channel }
    const tell = (name: string, content: unknown) => {
      if (page?.token === token && !event.sender.isDestroyed()) event.sender.send(name, token, content)
    }
    channel.onMessage((message) => tell(ipc.message, message))
    channel.onClose((reason) => tell(ipc.closed, reason))
  })

  ipcMain.on(ipc.send, (event, token: unknown, message: unknown) => {
    if (page && page.token === token && fromPage(event)) page.channel.send(message)
  })

  ipcMain.on(ipc.progress, (event, fraction: unknown) => {
    if (!fromPage(event)) return
    // Electron's own number for "none".
    const none = -1
    const shown = typeof fraction === 'number' && Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : none
    currentWindow()?.setProgressBar(shown)
  })

  ipcMain.handle(ipc.pickImage, async (event) => {
    const window = currentWindow()
    if (!fromPage(event) || !window) throw new Error('This page may not ask for files.')
    const picked = await dialog.showOpenDialog(window, {
      title: words.pickTitle,
      properties: ['openFile'],
      filters: [
        { name: words.images, extensions: suffixes },
        { name: words.allFiles, extensions: ['*'] },
      ],
    })
    return picked.canceled ? null : (picked.filePaths[0] ?? null)
  })

  ipcMain.handle(ipc.pickSavePlace, async (event, suggested: unknown) => {
    const window = currentWindow()
    if (!fromPage(event) || !window || typeof suggested !== 'string') throw new Error('This page may not ask for places.')
    const picked = await dialog.showSaveDialog(window, { title: words.saveTitle, defaultPath: suggested })
    return picked.canceled ? null : (picked.filePath ?? null)
  })
}
