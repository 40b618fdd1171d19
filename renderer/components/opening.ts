/** The ways an image gets into the app: the system's dialog or our own, a drop anywhere on the window, an address pasted. */
import { create } from 'zustand'
import { transport } from '../state/connection.ts'
import { isAddress, useImages } from '../state/image.ts'
import { go, useRoute } from '../state/route.ts'

interface OpeningState {
  browsing: boolean
  /** A file that was dropped where its place cannot be known. */
  droppedName: string | null
  dragging: boolean
}

export const useOpening = create<OpeningState>()(() => ({ browsing: false, droppedName: null, dragging: false }))

export function openImage(location: string): void {
  useOpening.setState({ browsing: false, droppedName: null })
  void useImages.getState().open(location)
  if (useRoute.getState().route.screen !== 'flash') go({ screen: 'flash', mode: 'write' })
}

export async function chooseImage(): Promise<void> {
  const line = transport()
  if (!line?.pickImage) return useOpening.setState({ browsing: true, droppedName: null })
  const path = await line.pickImage()
  if (path !== null) openImage(path)
}

/** Listens on the whole window: an image dropped beside the dashed box is meant just the same, and must never replace the page. */
export function acceptDrops(): void {
  let depth = 0
  const dragging = (change: number) => {
    depth = Math.max(0, depth + change)
    useOpening.setState({ dragging: depth > 0 })
  }
  window.addEventListener('dragenter', () => dragging(1))
  window.addEventListener('dragleave', () => dragging(-1))
  window.addEventListener('dragover', (event) => {
    event.preventDefault()
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy'
  })
  window.addEventListener('drop', (event) => {
    event.preventDefault()
    dragging(-depth)
    if (event.dataTransfer) dropped(event.dataTransfer)
  })
  window.addEventListener('paste', (event) => {
    const inField = event.target instanceof HTMLInputElement
    const text = event.clipboardData?.getData('text/plain') ?? ''
    if (!inField && isAddress(text)) openImage(text.trim())
  })
}

function dropped(data: DataTransfer): void {
  const file = data.files[0]
  if (file) {
    const path = transport()?.pathOfDroppedFile(file) ?? null
    if (path !== null) openImage(path)
    else useOpening.setState({ browsing: true, droppedName: file.name })
    return
  }
  const text = data.getData('text/uri-list') || data.getData('text/plain')
  const address = text.split('\n').find((line) => isAddress(line))
  if (address) openImage(address.trim())
}
