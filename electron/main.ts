/** Boot order and nothing else. */
import { join } from 'node:path'
import { app, type BrowserWindow, session } from 'electron'
import { declareScheme, serveInterface } from './app-scheme.ts'
import { createHelperLink } from './helper-link.ts'
import { startHelper } from './helper-process.ts'
import { guardLeaving } from './leaving.ts'
import { lockContents, lockSession } from './locks.ts'
import { setMenu } from './menu.ts'
import { bridgePages } from './page-bridge.ts'
import { openWindow } from './window.ts'

let window: BrowserWindow | null = null

if (app.requestSingleInstanceLock()) boot()
else app.exit(0)

function boot(): void {
  // Root has no sandbox to enable: with both switches Chromium's network process does not start.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
  declareScheme()
  lockContents()

  const link = createHelperLink(startHelper)
  const leaving = guardLeaving(link)
  bridgePages(link, () => window)

  app.on('second-instance', () => {
    if (window?.isMinimized()) window.restore()
    window?.focus()
  })
  // Ctrl-C in the terminal that started it asks the same question as the window's own button.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => app.quit())

  void app.whenReady().then(() => {
    lockSession(session.defaultSession)
    serveInterface(session.defaultSession, join(__dirname, '..', 'renderer'))
    setMenu()
    window = openWindow()
    leaving.guard(window)
  })
}
