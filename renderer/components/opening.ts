/** The ways an image gets into the app: the system's dialog or our own, a drop anywhere on the window, an address pasted. */
import { create } from 'zustand'
import { folderOf, isFullPath, joined } from '../state/card-file.ts'
import { transport } from '../state/connection.ts'
import { useFlash } from '../state/flash.ts'
import { fileName, isAddress, useImages } from '../state/image.ts'
import { type FlashMode, go, useRoute } from '../state/route.ts'

/** What the browsing dialog is open for: an image to open, a place for a card file, or a card file that is there. */
export type Browsing = 'image' | 'place' | 'card-file'

interface OpeningState {
  browsing: Browsing | null
  /** A file that was dropped where its place cannot be known. */
  droppedName: string | null
  dragging: boolean
}

export const useOpening = create<OpeningState>()(() => ({ browsing: null, droppedName: null, dragging: false }))

export function closeBrowsing(): void {
  useOpening.setState({ browsing: null, droppedName: null })
}

export function chooseCardFile(mode: FlashMode): void {
  useOpening.setState({ browsing: mode === 'write' ? 'place' : 'card-file', droppedName: null })
}

/** What was chosen in the dialog goes to where it was asked for. */
export function pickFile(path: string): void {
  const { browsing } = useOpening.getState()
  closeBrowsing()
  if (browsing === 'image') openImage(path)
  else useFlash.getState().setCardFile({ path })
}

/** The card file keeps its name. */
export function pickFolder(folder: string): void {
  const { path } = useFlash.getState().cardFile
  pickFile(joined(folder, isFullPath(path) ? fileName(path) : 'practice-card.img'))
}

/** Where browsing for a card file begins: where it lies now. */
export function cardFolder(): string | null {
  const { path } = useFlash.getState().cardFile
  return isFullPath(path) ? folderOf(path) : null
}

export function openImage(location: string): void {
  closeBrowsing()
  void useImages.getState().open(location)
  if (useRoute.getState().route.screen !== 'flash') go({ screen: 'flash', mode: 'write' })
}

export async function chooseImage(): Promise<void> {
  const line = transport()
  if (!line?.pickImage) return useOpening.setState({ browsing: 'image', droppedName: null })
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
    else useOpening.setState({ browsing: 'image', droppedName: file.name })
    return
  }
  const text = data.getData('text/uri-list') || data.getData('text/plain')
  const address = text.split('\n').find((line) => isAddress(line))
  if (address) openImage(address.trim())
}
