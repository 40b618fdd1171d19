/** Files by folder, each with a tick box. One stop of the Tab key: up and down go through the rows, right and left open and close, space ticks. */
import { type KeyboardEvent, type MouseEvent, useRef, useState } from 'react'
import { format, t } from '../i18n/index.ts'
import { type Folders, parentOf, type Ticks, type TreeEntry, type TreeRow, tickOf, treeRows } from '../state/file-tree.ts'
import { ChevronIcon } from './icons.tsx'

interface FileTreeProps {
  label: string
  roots: readonly TreeEntry[]
  folders: Folders
  ticks: Ticks
  onTick: (path: string) => void
  /** Its entries are wanted. */
  onOpen: (path: string) => void
}

export function FileTree({ label, roots, folders, ticks, onTick, onOpen }: FileTreeProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [wanted, setWanted] = useState<string | null>(null)
  const list = useRef<HTMLDivElement>(null)
  const rows = treeRows(roots, open, folders)
  const current = rows.find(({ entry }) => entry.path === wanted) ?? rows[0]

  const unfold = (path: string, isOpen: boolean) => {
    setOpen(new Set(isOpen ? [...open, path] : [...open].filter((one) => one !== path)))
    if (isOpen && !folders[path]) onOpen(path)
  }
  const goTo = (row: TreeRow | undefined) => {
    if (!row) return
    setWanted(row.entry.path)
    list.current?.children[rows.indexOf(row)]?.scrollIntoView({ block: 'nearest' })
    const item = list.current?.children[rows.indexOf(row)]
    if (item instanceof HTMLElement) item.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (!current || event.ctrlKey || event.metaKey || event.altKey) return
    const { entry } = current
    const at = rows.indexOf(current)
    const isOpen = open.has(entry.path)
    const acts: Record<string, () => void> = {
      ArrowDown: () => goTo(rows[at + 1]),
      ArrowUp: () => goTo(rows[at - 1]),
      Home: () => goTo(rows[0]),
      End: () => goTo(rows.at(-1)),
      PageDown: () => goTo(rows[Math.min(rows.length - 1, at + 10)]),
      PageUp: () => goTo(rows[Math.max(0, at - 10)]),
      ArrowRight: () => (canOpen(entry) && !isOpen ? unfold(entry.path, true) : isOpen ? goTo(rows[at + 1]) : undefined),
      ArrowLeft: () => (isOpen ? unfold(entry.path, false) : goTo(rows.find((row) => row.entry.path === parentOf(entry.path)))),
      ' ': () => (mayTick(current) ? onTick(entry.path) : undefined),
      Enter: () => (canOpen(entry) ? unfold(entry.path, !isOpen) : mayTick(current) ? onTick(entry.path) : undefined),
    }
    const act = acts[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }

  return (
    <div ref={list} className="tree" role="tree" aria-label={label} aria-multiselectable="true">
      {rows.map((row) => (
        <Row
          key={row.entry.path}
          row={row}
          tick={tickOf(ticks, row.entry.path)}
          isOpen={open.has(row.entry.path)}
          isLoading={open.has(row.entry.path) && !folders[row.entry.path]}
          isCurrent={row === current}
          onTick={() => onTick(row.entry.path)}
          onUnfold={() => unfold(row.entry.path, !open.has(row.entry.path))}
          onFocus={() => setWanted(row.entry.path)}
          onKeyDown={onKeyDown}
        />
      ))}
    </div>
  )
}

function canOpen({ kind, problem }: TreeEntry): boolean {
  return kind === 'folder' && !problem
}

function mayTick({ entry, isTogether }: TreeRow): boolean {
  return !entry.problem && !isTogether
}

interface RowProps {
  row: TreeRow
  tick: boolean | 'mixed'
  isOpen: boolean
  isLoading: boolean
  isCurrent: boolean
  onTick: () => void
  onUnfold: () => void
  onFocus: () => void
  onKeyDown: (event: KeyboardEvent) => void
}

function Row({ row, tick, isOpen, isLoading, isCurrent, onTick, onUnfold, onFocus, onKeyDown }: RowProps) {
  const { entry, level, position, size } = row
  const { name, kind, problem, note, language, sizeBytes } = entry
  const isFolder = canOpen(entry)
  const isOff = !mayTick(row)
  const onClick = ({ target }: MouseEvent) => {
    const isOnFold = target instanceof Element && target.closest('.tree-fold') !== null
    if (isFolder && (isOnFold || isOff)) onUnfold()
    else if (!isOff && !isOnFold) onTick()
  }
  return (
    <div
      role="treeitem"
      aria-level={level}
      aria-posinset={position}
      aria-setsize={size}
      aria-expanded={isFolder ? isOpen : undefined}
      aria-checked={tick === 'mixed' ? 'mixed' : tick}
      aria-disabled={isOff || undefined}
      aria-busy={isLoading || undefined}
      tabIndex={isCurrent ? 0 : -1}
      className={`tree-row tree-${kind}`}
      style={{ paddingInlineStart: `calc(8px + ${Math.min(level - 1, 8)} * var(--tree-step))` }}
      onFocus={onFocus}
      onClick={onClick}
      onKeyDown={onKeyDown}
    >
      <span className="tree-fold" aria-hidden="true">
        {isFolder ? <ChevronIcon size={18} /> : null}
      </span>
      <span className="tree-pick">
        <span className={`tick tick-${tick}`} aria-hidden="true" />
        <span className="tree-name">
          {name.toWellFormed()}
          <span className="unseen"> {kindWords(entry)}</span>
          {kind === 'deleted' ? <small className="pill pill-plain">{t.tree.deleted}</small> : null}
          {problem || note ? (
            <small className="tree-note" lang={language}>
              {problem ?? note}
            </small>
          ) : null}
        </span>
        <small className="tree-size">
          {isLoading ? t.tree.loading : kind === 'deleted' || kind === 'other' || sizeBytes === null ? '' : format.size(sizeBytes)}
        </small>
      </span>
    </div>
  )
}

/** For ears: what stands beside the name for eyes. */
function kindWords({ kind, files }: TreeEntry): string {
  if (kind === 'folder') return t.tree.folder(files)
  return kind === 'other' ? t.tree.other : ''
}
