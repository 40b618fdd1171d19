/** What can fill up, each with a bar, the mark at 80 %, and a word where it is tight. */
import { Meter } from 'react-aria-components/Meter'
import type { Report, ReportRoom } from '../../../native-helpers/contract.ts'
import { format, t } from '../../i18n/index.ts'
import { type Fullness, fullnessOf, nearlyFullAt } from '../../state/card-health.ts'

const pills: Record<Exclude<Fullness, 'room'>, 'warn' | 'bad'> = { 'nearly-full': 'warn', full: 'bad' }

export function RoomBars({ rooms }: { rooms: Report['rooms'] }) {
  if (rooms.length === 0) return null
  return (
    <section className="sheet rooms" aria-labelledby="card-rooms">
      <h2 id="card-rooms">{t.card.rooms.title}</h2>
      <ul>
        {rooms.map((room) => (
          <Room key={`${room.id} ${room.title}`} room={room} />
        ))}
      </ul>
      <p className="map-note">{t.card.rooms.mark}</p>
    </section>
  )
}

function Room({ room }: { room: ReportRoom }) {
  const { title, usedBytes, totalBytes, note } = room
  const fullness = fullnessOf(usedBytes, totalBytes)
  const fraction = totalBytes === 0 ? 0 : Math.min(1, usedBytes / totalBytes)
  const usedOf = format.sizeOf(usedBytes, totalBytes)
  return (
    <li>
      <div className="room-head">
        <span>{title}</span>
        <small title={`${format.exact(usedBytes)} ${t.units.of} ${format.exact(totalBytes)}`}>
          {usedOf}
          {fullness === 'room' ? null : <span className={`pill pill-${pills[fullness]}`}>{t.card.states[fullness]}</span>}
        </small>
      </div>
      <Meter
        aria-label={title}
        value={fraction * 100}
        valueLabel={`${usedOf}, ${format.percent(fraction)}`}
        className={`bar room-bar room-${fullness}`}
      >
        <span className="bar-fill" style={{ width: `${fraction * 100}%` }} />
        <span className="room-mark" style={{ left: `${nearlyFullAt * 100}%` }} />
      </Meter>
      {note === null ? null : <p className="room-note">{note}</p>}
    </li>
  )
}
