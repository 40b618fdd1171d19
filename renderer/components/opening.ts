/** The ways an image or a card gets into the app: the system's dialog or our own, a drop anywhere on the window, an address pasted. */
import { create } from 'zustand'
import { t } from '../i18n/index.ts'
import { folderOf, isFullPath, joined } from '../state/card-file.ts'
import { useCards } from '../state/cards.ts'
import { transport } from '../state/connection.ts'
import { useFlash } from '../state/flash.ts'
import { fileName, isAddress, useImages } from '../state/image.ts'
import { type FlashMode, go, useRoute } from '../state/route.ts'

/** What the browsing dialog is open for. */
export interface Browsing {
  title: string
  note?: string
  /** Where it begins; null: where the user was last. */
  start: string | null
  /** Files whose names do not look like an image's are shown from the start. */
  allFiles: boolean
  onFile: ((path: string) => void) | null
  /** The folder that is shown can be taken itself; `act` says what for. */
  folder: { act: string; onFolder: (path: string) => void } | null
}

interface OpeningState {
  browsing: Browsing | null
  /** A file that was dropped where its place cannot be known. */
  droppedName: string | null
  /** A file that was dropped, while it is open whether it is to be looked at or written. */
  asking: string | null
  dragging: boolean
}

export const useOpening = create<OpeningState>()(() => ({ browsing: null, droppedName: null, asking: null, dragging: false }))

export function browse(browsing: Browsing, droppedName: string | null = null): void {
  useOpening.setState({ browsing, droppedName })
}

export function closeBrowsing(): void {
  useOpening.setState({ browsing: null, droppedName: null })
}

/** A card file to write to needs a place, one to compare with has to be there. It keeps its name where only the folder is chosen. */
export function chooseCardFile(mode: FlashMode): void {
  const { cardFile, setCardFile } = useFlash.getState()
  const full = isFullPath(cardFile.path)
  const name = full ? fileName(cardFile.path) : 'practice-card.img'
  const takesFolder = mode === 'write'
  browse({
    title: takesFolder ? t.browse.titles.place : t.browse.titles['card-file'],
    start: full ? folderOf(cardFile.path) : null,
    allFiles: false,
    onFile: (path) => setCardFile({ path }),
    folder: takesFolder ? { act: t.browse.here, onFolder: (folder) => setCardFile({ path: joined(folder, name) }) } : null,
  })
}

export function openImage(location: string): void {
  closeBrowsing()
  void useImages.getState().open(location)
  if (useRoute.getState().route.screen !== 'flash') go({ screen: 'flash', mode: 'write' })
}

/** Looks at an image file, a folder or an overlay file anew, also where it was seen before. */
export function openCard(path: string, base?: string | null): void {
  closeBrowsing()
  void useCards.getState().look(path, null, base)
  go({ screen: 'card', path })
}

export async function chooseImage(): Promise<void> {
  const line = transport()
  if (!line?.pickImage) return browseForImage(openImage)
  const path = await line.pickImage()
  if (path !== null) openImage(path)
}

function browseForImage(onFile: (path: string) => void, droppedName: string | null = null): void {
  browse({ title: t.browse.titles.image, start: null, allFiles: false, onFile, folder: null }, droppedName)
}

/** Our own dialog in the desktop's app too: the system's takes either files or folders, and overlay files have no suffix to go by. */
export function chooseCard(): void {
  browse({
    title: t.card.open.title,
    note: t.card.open.text,
    start: null,
    allFiles: true,
    onFile: (path) => openCard(path, null),
    folder: { act: t.card.open.folder, onFolder: (path) => openCard(path, null) },
  })
}

/** Where the choice of an image is what the screen is about, a dropped one is it; elsewhere the user says what it is for. */
function openDropped(path: string, isFolder: boolean): void {
  if (isFolder) openCard(path, null)
  else if (useRoute.getState().route.screen === 'flash' || isPacked(path)) openImage(path)
  else useOpening.setState({ asking: path, browsing: null, droppedName: null })
}

/** To look into a packed image it would have to be unpacked first. */
export function isPacked(path: string): boolean {
  return /\.(gz|bz2|xz|zst|zstd|zip)$/i.test(path)
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
    const isFolder = data.items[0]?.webkitGetAsEntry()?.isDirectory ?? false
    if (path !== null) openDropped(path, isFolder)
    else browseForImage((chosen) => openDropped(chosen, false), file.name)
    return
  }
  const text = data.getData('text/uri-list') || data.getData('text/plain')
  const address = text.split('\n').find((line) => isAddress(line))
  if (address) openImage(address.trim())
}
