/** A card as it was seen, from top to bottom in the order a worried person asks: what is wrong, what can I do, what is on it, show me the details. */
import type { ReactNode } from 'react'
import type { Report } from '../../../native-helpers/contract.ts'
import type { SeenCard } from '../../state/cards.ts'
import { CardActs } from './card-acts.tsx'
import { CardMap } from './card-map.tsx'
import { Details } from './details.tsx'
import { Findings, Notes, type RemedyWay } from './findings.tsx'
import { Kernels, Slots } from './kernels.tsx'
import { RoomBars } from './room-bars.tsx'
import { SnapshotMap } from './snapshot-map.tsx'

interface CardViewProps {
  card: SeenCard
  report: Report
  name: string
  wayOf: RemedyWay
  /** What can be done with this kind of target, before what can be done with every report. */
  acts: ReactNode
}

export function CardView({ card, report, name, wayOf, acts }: CardViewProps) {
  const maps = report.overlays.flatMap(({ path, partition, snapshot }) =>
    snapshot?.map ? [{ key: `${partition} ${path}`, map: snapshot.map }] : [],
  )
  return (
    <>
      <Findings report={report} wayOf={wayOf} />
      <CardActs card={card} report={report} name={name}>
        {acts}
      </CardActs>
      <CardMap report={report} />
      <div className="side-sheets">
        <RoomBars rooms={report.rooms} />
        {maps.map(({ key, map }) => (
          <SnapshotMap key={key} map={map} />
        ))}
      </div>
      <Kernels kernels={report.kernels} path={typeof wayOf('repair') === 'function' ? card.path : null} />
      <Slots slots={report.slots} />
      <Notes report={report} wayOf={wayOf} />
      <Details report={report} drive={card.drive} />
    </>
  )
}
