/** Our own file dialog for the browser, which cannot name a file's place: it looks through the helper's eyes. */
import { useEffect, useState } from 'react'
import { Button as AriaButton } from 'react-aria-components/Button'
import type { Answer, ErrorValue } from '../../native-helpers/contract.ts'
import { format, t } from '../i18n/index.ts'
import { ask } from '../state/connection.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { ErrorFinding, Finding } from './finding.tsx'
import { FolderIcon, ImageIcon, UpIcon } from './icons.tsx'
import { type Browsing, closeBrowsing, useOpening } from './opening.ts'

type Folder = Answer<'images.browse'>

export function BrowseDialog() {
  const { browsing, droppedName } = useOpening()
  return (
    <Dialog title={browsing?.title ?? ''} isOpen={browsing !== null} onLeave={closeBrowsing} wide>
      {droppedName ? <Finding kind="warn" title={t.flash.droppedInBrowser(droppedName)} /> : null}
      {browsing?.note ? <p className="dialog-note">{browsing.note}</p> : null}
      {browsing === null ? null : <Browser browsing={browsing} />}
    </Dialog>
  )
}

/** Where the user was last, for the next time the dialog opens. */
let lastFolder: string | null = null

function Browser({ browsing }: { browsing: Browsing }) {
  const [wanted, setWanted] = useState<string | null>(browsing.start ?? lastFolder)
  const [folder, setFolder] = useState<Folder | null>(null)
  const [error, setError] = useState<ErrorValue | null>(null)

  useEffect(() => {
    let current = true
    void ask('images.browse', { folder: wanted }).then((outcome) => {
      if (!current) return
      setError(outcome.ok ? null : outcome.error)
      if (!outcome.ok) return
      lastFolder = outcome.value.folder
      setFolder(outcome.value)
    })
    return () => {
      current = false
    }
  }, [wanted])

  if (!folder && error && wanted !== null) {
    return (
      <>
        <ErrorFinding error={error} />
        <div className="dialog-actions">
          <Button onPress={closeBrowsing}>{t.browse.cancel}</Button>
          <Button look="primary" onPress={() => setWanted(null)}>
            {t.browse.toHome}
          </Button>
        </div>
      </>
    )
  }
  return (
    <>
      {folder ? <FolderView folder={folder} error={error} onFolder={setWanted} browsing={browsing} /> : null}
      {folder ? null : error ? <ErrorFinding error={error} /> : <p className="soft">{t.browse.loading}</p>}
      <div className="dialog-actions">
        <Button onPress={closeBrowsing}>{t.browse.cancel}</Button>
        {browsing.folder && folder ? (
          <Button look="primary" onPress={() => take(browsing.folder?.onFolder, folder.folder)}>
            {browsing.folder.act}
          </Button>
        ) : null}
      </div>
    </>
  )
}

/** What was chosen goes to where it was asked for, which may open a dialog of its own. */
function take(onTaken: ((path: string) => void) | null | undefined, path: string): void {
  closeBrowsing()
  onTaken?.(path)
}

interface FolderViewProps {
  browsing: Browsing
  folder: Folder
  error: ErrorValue | null
  onFolder: (path: string | null) => void
}

function FolderView({ browsing, folder, error, onFolder }: FolderViewProps) {
  return (
    <div className="browse">
      <nav className="browse-places" aria-label={t.browse.places}>
        {folder.places.map((place) => (
          <Button key={place.path} look="quiet" onPress={() => onFolder(place.path)}>
            {place.name}
          </Button>
        ))}
      </nav>
      <div className="browse-folder">
        <div className="browse-path">
          <AriaButton
            className="button button-plain button-icon"
            aria-label={t.browse.up}
            isDisabled={folder.parent === null}
            onPress={() => onFolder(folder.parent)}
          >
            <UpIcon size={18} />
          </AriaButton>
          <code title={folder.folder}>{folder.folder}</code>
        </div>
        {error ? <ErrorFinding error={error} /> : null}
        <Entries key={folder.folder} browsing={browsing} folder={folder} onFolder={onFolder} />
      </div>
    </div>
  )
}

interface EntriesProps {
  browsing: Browsing
  folder: Folder
  onFolder: (path: string) => void
}

function Entries({ browsing, folder, onFolder }: EntriesProps) {
  const [all, setAll] = useState(browsing.allFiles)
  const { onFile } = browsing
  const offered = folder.entries.filter((entry) => onFile !== null || entry.kind === 'folder')
  const entries = offered.filter((entry) => all || entry.kind !== 'other')
  const others = offered.length - entries.length
  return (
    <>
      {entries.length === 0 ? <p className="soft browse-empty">{t.browse.empty}</p> : null}
      <ul className="browse-entries" hidden={entries.length === 0} aria-label={t.browse.entries}>
        {entries.map((entry) => (
          <li key={entry.path}>
            <AriaButton
              className="browse-entry"
              onPress={() => (entry.kind === 'folder' ? onFolder(entry.path) : take(onFile, entry.path))}
            >
              {entry.kind === 'folder' ? <FolderIcon /> : <ImageIcon />}
              <span className="browse-name">
                {entry.name}
                {entry.kind === 'folder' ? <span className="unseen"> ({t.browse.folder})</span> : null}
              </span>
              <small>{entry.sizeBytes === null || entry.kind === 'folder' ? '' : format.size(entry.sizeBytes)}</small>
            </AriaButton>
          </li>
        ))}
      </ul>
      {others > 0 ? (
        <div>
          <Button look="quiet" onPress={() => setAll(true)}>
            {t.browse.others(others)}
          </Button>
        </div>
      ) : null}
      {folder.truncated ? <p className="soft">{t.browse.truncated}</p> : null}
    </>
  )
}
