/** The window: what there is on the left, one thing at a time on the right. */
import { I18nProvider } from 'react-aria-components/I18nProvider'
import { BrowseDialog } from './components/browse-dialog.tsx'
import { DroppedDialog } from './components/dropped-dialog.tsx'
import { InterruptedNotice } from './components/interrupted-notice.tsx'
import { LostHelper } from './components/lost-helper.tsx'
import { NarrowBar } from './components/narrow-bar.tsx'
import { useOpening } from './components/opening.ts'
import { SidePart } from './components/side-part.tsx'
import { useHeadingFocus } from './components/use-heading-focus.ts'
import { useNarrow } from './components/use-narrow.ts'
import { useWindowTitle } from './components/use-window-title.ts'
import { language, t } from './i18n/index.ts'
import { BackupJobScreen } from './screens/backup/backup-job-screen.tsx'
import { BackupScreen } from './screens/backup/backup-screen.tsx'
import { CardFileScreen } from './screens/card/card-file-screen.tsx'
import { ChangeScreen } from './screens/change/change-screen.tsx'
import { ChangePlanScreen } from './screens/change/plan-screen.tsx'
import { UndoScreen } from './screens/change/undo-screen.tsx'
import { WishScreen } from './screens/change/wish-screen.tsx'
import { DriveScreen } from './screens/drives/drive-screen.tsx'
import { DrivesScreen } from './screens/drives/drives-screen.tsx'
import { FlashScreen } from './screens/flash/flash-screen.tsx'
import { PlanScreen } from './screens/flash/plan-screen.tsx'
import { HistoryScreen } from './screens/history/history-screen.tsx'
import { HomeScreen } from './screens/home/home-screen.tsx'
import { JobScreen } from './screens/job/job-screen.tsx'
import { PracticeScreen } from './screens/practice/practice-screen.tsx'
import { SettingsScreen } from './screens/settings/settings-screen.tsx'
import { useConnection } from './state/connection.ts'
import { type Route, useRoute } from './state/route.ts'

export function App() {
  const route = useRoute((state) => state.route)
  const narrow = useNarrow()
  const dragging = useOpening((state) => state.dragging)
  return (
    <I18nProvider locale={language}>
      <div className="window" data-dragging={dragging}>
        {narrow && route.screen === 'list' ? <ListScreen /> : narrow ? <Right route={route} narrow /> : <TwoParts route={route} />}
        {dragging ? <div className="drop-veil">{t.frame.dropHere}</div> : null}
      </div>
      <DroppedDialog />
      <BrowseDialog />
    </I18nProvider>
  )
}

function TwoParts({ route }: { route: Route }) {
  return (
    <>
      <button type="button" className="skip" onClick={toContent}>
        {t.frame.skip}
      </button>
      <SidePart />
      <Right route={route} narrow={false} />
    </>
  )
}

/** In a narrow window the left part is a screen of its own. */
function ListScreen() {
  const heading = useHeadingFocus()
  useWindowTitle(t.frame.parts)
  return (
    <main>
      <h1 ref={heading} tabIndex={-1} className="unseen">
        {t.frame.parts}
      </h1>
      <SidePart />
    </main>
  )
}

function Right({ route, narrow }: { route: Route; narrow: boolean }) {
  const connection = useConnection((state) => state.connection)
  return (
    <div className="right">
      {narrow ? <NarrowBar /> : null}
      <main id="content" tabIndex={-1}>
        <div className="content">
          {connection.state === 'lost' ? <LostHelper connection={connection} /> : null}
          <InterruptedNotice />
          {connection.state === 'connecting' ? <p className="soft">{t.frame.connecting}</p> : <CurrentScreen route={route} />}
        </div>
      </main>
    </div>
  )
}

/** A button, not a link: the fragment of the address is the route. */
function toContent() {
  document.getElementById('content')?.focus()
}

function CurrentScreen({ route }: { route: Route }) {
  switch (route.screen) {
    case 'home':
    case 'list':
      return <HomeScreen />
    case 'drives':
      return <DrivesScreen />
    case 'drive':
      return <DriveScreen key={route.path} path={route.path} />
    case 'card':
      return <CardFileScreen key={route.path} path={route.path} />
    case 'backup':
      return <BackupScreen key={route.path} path={route.path} />
    case 'backup-job':
      return <BackupJobScreen key={route.id} id={route.id} />
    case 'wish':
      return <WishScreen key={`${route.job} ${route.path}`} job={route.job} path={route.path} />
    case 'change-plan':
      return <ChangePlanScreen key={`${route.job} ${route.path}`} job={route.job} path={route.path} />
    case 'undo':
      return <UndoScreen key={route.file} file={route.file} />
    case 'change':
      return <ChangeScreen key={route.id} id={route.id} />
    case 'flash':
      return <FlashScreen key={route.mode} mode={route.mode} />
    case 'plan':
      return <PlanScreen />
    case 'job':
      return <JobScreen key={route.id} id={route.id} />
    case 'history':
      return <HistoryScreen />
    case 'practice':
      return <PracticeScreen />
    case 'settings':
      return <SettingsScreen />
  }
}
