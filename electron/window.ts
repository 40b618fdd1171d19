import { join } from 'node:path'
import { app, BrowserWindow, nativeTheme } from 'electron'
import { startAddress } from './app-scheme.ts'
import { isOwn } from './locks.ts'

/** What shows before the page has drawn: the interface's own ground, so that nothing flashes. */
const ground = { light: '#f4f4f1', dark: '#131517' }
/** A page that dies again so soon is not loaded once more. */
const reviveAfterMs = 10_000

export function openWindow(): BrowserWindow {
  const window = new BrowserWindow({
    title: 'Livecard',
    width: 1120,
    height: 760,
    minWidth: 320,
    minHeight: 400,
    show: false,
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? ground.dark : ground.light,
    icon: join(__dirname, 'icon.png'),
    webPreferences: {
      preload: join(__dirname, 'preload.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
      navigateOnDragDrop: false,
      devTools: !app.isPackaged,
    },
  })
  window.once('ready-to-show', () => window.show())
  revive(window)
  // An empty page is the one address that the locks are not asked about.
  window.webContents.on('did-navigate', (_event, address) => {
    if (!isOwn(address)) void window.loadURL(startAddress)
  })
  void window.loadURL(startAddress)
  return window
}

/** The jobs live in the helper, so a page that died comes back and finds them running. */
function revive(window: BrowserWindow): void {
  let diedAt = 0
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit' || Date.now() - diedAt < reviveAfterMs) return
    diedAt = Date.now()
    window.webContents.reload()
  })
}
