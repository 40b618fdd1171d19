/** All that the page can see of the desktop: the verbs of `Bridge`. Runs in the sandbox; Electron's own objects never reach the page. */
import { contextBridge, ipcRenderer, webUtils } from 'electron'
import type { Bridge } from '../renderer/bridge.ts'
import { ipc } from './ipc-names.ts'

// A document of its own each time: what was meant for the page before a reload is not heard by the one after it.
const token = crypto.randomUUID()
const messageListeners = new Set<(message: unknown) => void>()
const closeListeners = new Set<(reason: string) => void>()
let closedBecause: string | null = null

ipcRenderer.on(ipc.message, (_event, to: string, message: unknown) => {
  if (to === token) for (const listener of [...messageListeners]) listener(message)
})
ipcRenderer.on(ipc.closed, (_event, to: string, reason: string) => {
  if (to !== token || closedBecause !== null) return
  closedBecause = reason
  for (const listener of [...closeListeners]) listener(reason)
})

const bridge: Bridge = {
  channel: {
    send: (message) => ipcRenderer.send(ipc.send, token, message),
    onMessage(listener) {
      messageListeners.add(listener)
      return () => messageListeners.delete(listener)
    },
    onClose(listener) {
      if (closedBecause !== null) listener(closedBecause)
      else closeListeners.add(listener)
      return () => closeListeners.delete(listener)
    },
  },
  pickImage: () => ipcRenderer.invoke(ipc.pickImage),
  pickSavePlace: (suggested) => ipcRenderer.invoke(ipc.pickSavePlace, suggested),
  pathOfDroppedFile: (file) => placeOf(file) || null,
  setProgress: (fraction) => ipcRenderer.send(ipc.progress, fraction),
}

/** Electron 32 and newer ask `webUtils`; before, a File carried its place itself. */
function placeOf(file: File): string {
  return typeof webUtils === 'undefined' ? ((file as File & { path?: string }).path ?? '') : webUtils.getPathForFile(file)
}

contextBridge.exposeInMainWorld('livecard', bridge)
ipcRenderer.send(ipc.open, token)
