import { app, Menu, type MenuItemConstructorOptions } from 'electron'
import { words } from './words.ts'

/** Only what the system expects of every window; a job is never hidden in a menu. */
export function setMenu(): void {
  const view: MenuItemConstructorOptions[] = [
    { role: 'resetZoom' },
    { role: 'zoomIn' },
    { role: 'zoomOut' },
    { type: 'separator' },
    { role: 'togglefullscreen' },
  ]
  if (!app.isPackaged) view.push({ type: 'separator' }, { role: 'reload' }, { role: 'toggleDevTools' })
  const template: MenuItemConstructorOptions[] = [
    process.platform === 'darwin' ? { role: 'appMenu' } : { label: words.file, submenu: [{ role: 'quit' }] },
    { role: 'editMenu', label: words.edit },
    { label: words.view, submenu: view },
    { role: 'windowMenu', label: words.window },
  ]
  Menu.setApplicationMenu(Menu.buildFromTemplate(template))
}
