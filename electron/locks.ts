/** What no page may do in this app, whatever it shows. Set before the first window, for every web contents that will ever exist. */
import { app, type Session, type WebFrameMain } from 'electron'
import { origin } from './app-scheme.ts'

export function lockContents(): void {
  app.on('web-contents-created', (_event, contents) => {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
    contents.on('will-attach-webview', (event) => event.preventDefault())
    contents.on('will-navigate', (event, address) => {
      if (!isOwn(address)) event.preventDefault()
    })
    contents.on('will-redirect', (event) => event.preventDefault())
    // Not in Electron 22, where the page's policy alone forbids frames.
    contents.on('will-frame-navigate', (event) => {
      if (!event.isMainFrame || !isOwn(event.url)) event.preventDefault()
    })
  })
}

/** No permission, no device, no download, and no request to anywhere but the app's own files. */
export function lockSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, decide) => decide(false))
  session.setPermissionCheckHandler(() => false)
  session.setDevicePermissionHandler(() => false)
  session.on('will-download', (event) => event.preventDefault())
  session.webRequest.onBeforeRequest((details, decide) => decide({ cancel: !isLocal(details.url) }))
}

/** An IPC message counts only from the main frame of the app's window while it shows the app. */
export function isOwnFrame(frame: WebFrameMain | null, window: Electron.BrowserWindow | null): boolean {
  if (!frame || !window || window.isDestroyed()) return false
  const main = window.webContents.mainFrame
  return frame.processId === main.processId && frame.routingId === main.routingId && isOwn(frame.url)
}

export function isOwn(address: string): boolean {
  return address.startsWith(`${origin}/`)
}

/** `data:` pictures are the page's own bytes; `devtools:` is the inspector of a development run. */
function isLocal(address: string): boolean {
  return isOwn(address) || address.startsWith('data:') || (!app.isPackaged && address.startsWith('devtools:'))
}
