/** The left part: what is plugged in, which images are open, what was done. Each line with its state as a word and a shape. */
import { useState } from 'react'
import { format, t } from '../i18n/index.ts'
import { useChanges } from '../state/changes.ts'
import { useConnected } from '../state/connection.ts'
import { sortDrives, useDrives } from '../state/drives.ts'
import { useHistory } from '../state/history.ts'
import { fileName, type OpenedImage, useImages } from '../state/image.ts'
import { jobOnPath, runningJobs, useJobs } from '../state/jobs.ts'
import { useRoute } from '../state/route.ts'
import { useSettings } from '../state/settings.ts'
import { BrandMark, CardFileIcon, ChevronIcon, HistoryIcon, ImageIcon, SettingsIcon } from './icons.tsx'
import { jobWhere, runningWord } from './job-words.ts'
import { Link } from './link.tsx'
import { SideCards } from './side-cards.tsx'
import { SideDrive } from './side-drive.tsx'
import { SideItem } from './side-item.tsx'

export function SidePart() {
  const route = useRoute((state) => state.route)
  const ended = useHistory((state) => state.jobs)
  const undoFiles = useChanges((state) => state.undoFiles)
  return (
    <nav className="side" aria-label={t.frame.parts}>
      <Link to={{ screen: 'home' }} className="brand" label={t.frame.home} current={route.screen === 'home'}>
        <BrandMark />
        Livecard
      </Link>
      <Drives />
      <FileJobs />
      <SideCards />
      <Images />
      <div className="grow" />
      <ul className="side-list">
        <SideItem
          to={{ screen: 'history' }}
          current={route.screen === 'history'}
          picture={<HistoryIcon size={24} />}
          name={t.frame.history}
          word={t.frame.historyCount(ended.length + undoFiles.length)}
        />
        <SideItem
          to={{ screen: 'settings' }}
          current={route.screen === 'settings'}
          picture={<SettingsIcon size={24} />}
          name={t.frame.settings}
        />
      </ul>
    </nav>
  )
}

function Drives() {
  const { drives, since } = useDrives()
  const jobs = useJobs((state) => state.jobs)
  const showVirtual = useSettings((state) => state.showVirtual)
  const [showOthers, setShowOthers] = useState(false)
  const { offered, refusedCards, others } = sortDrives(drives, showVirtual)
  const line = (drive: (typeof drives)[number], refused: boolean) => (
    <SideDrive
      key={drive.identity.path}
      drive={drive}
      refused={refused}
      job={jobOnPath(jobs, drive.identity.path, since[drive.identity.path] ?? 0)}
    />
  )
  // A drive that is being written may be refused to others meanwhile; it stays where it was.
  const cards = [...offered, ...refusedCards]
  return (
    <section aria-labelledby="side-drives">
      <h2 id="side-drives">{t.frame.drives}</h2>
      {cards.length === 0 ? <p className="side-none">{t.frame.noDrives}</p> : null}
      <ul className="side-list">
        {offered.map((drive) => line(drive, false))}
        {refusedCards.map((drive) => line(drive, true))}
      </ul>
      {others.length > 0 ? (
        <>
          <button type="button" className="side-fold" aria-expanded={showOthers} onClick={() => setShowOthers(!showOthers)}>
            <ChevronIcon size={16} />
            {t.frame.otherDrives(others.length)}
          </button>
          {showOthers ? <ul className="side-list">{others.map((drive) => line(drive, true))}</ul> : null}
        </>
      ) : null}
    </section>
  )
}

/** Jobs on card files have no drive to stand with. */
function FileJobs() {
  const jobs = useJobs((state) => state.jobs)
  const drives = useDrives((state) => state.drives)
  const route = useRoute((state) => state.route)
  const connected = useConnected()
  const paths = new Set(drives.map((drive) => drive.identity.path))
  const onFiles = runningJobs(jobs).filter((job) => job.targets.some((target) => !paths.has(target.path)))
  if (onFiles.length === 0) return null
  return (
    <section aria-labelledby="side-running">
      <h2 id="side-running">{t.frame.running}</h2>
      <ul className="side-list">
        {onFiles.map((job) => (
          <SideItem
            key={job.id}
            to={{ screen: 'job', id: job.id }}
            current={route.screen === 'job' && route.id === job.id}
            picture={<CardFileIcon size={26} />}
            name={jobWhere(job)}
            word={runningWord(job, connected)}
            mark={connected ? 'busy' : 'warn'}
          />
        ))}
      </ul>
    </section>
  )
}

function Images() {
  const { opened, currentLocation } = useImages()
  const route = useRoute((state) => state.route)
  if (opened.length === 0) return null
  return (
    <section aria-labelledby="side-images">
      <h2 id="side-images">{t.frame.images}</h2>
      <ul className="side-list">
        {opened.map((image) => (
          <SideItem
            key={image.location}
            to={{ screen: 'flash', mode: 'write' }}
            onGo={() => useImages.setState({ currentLocation: image.location })}
            current={route.screen === 'flash' && image.location === currentLocation}
            picture={<ImageIcon size={26} />}
            name={fileName(image.location)}
            word={imageWords(image)}
            mark={image.state === 'failed' ? 'bad' : image.state === 'looking' ? 'busy' : null}
          />
        ))}
      </ul>
    </section>
  )
}

function imageWords({ state, facts, location }: OpenedImage): string {
  if (state === 'failed') return t.states.failed
  if (state === 'looking' || facts === null) return t.flash.looking(fileName(location))
  const stored = facts.storedBytes === null ? [] : [format.size(facts.storedBytes)]
  const content =
    facts.contentBytes === null || facts.contentBytes === facts.storedBytes
      ? []
      : [t.states.unpacked(format.size(facts.contentBytes))]
  return [...stored, ...content].join(' · ') || t.formats[facts.format]
}
