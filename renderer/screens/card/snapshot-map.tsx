/** The system image in equal cells, darker where more of it has been copied into the overlay. Arrow keys and pointer tell which region a cell is. */
import { useState } from 'react'
import type { SnapshotMap as Cells } from '../../../native-helpers/contract.ts'
import { useRoving } from '../../components/use-roving.ts'
import { format, t } from '../../i18n/index.ts'

/** So that a cell stays large enough to point at. */
const narrowRow = 32
const wideRow = 64
/** Shades that can be told apart; any change at all is the first of them. */
const shades = 5
const allShades = Array.from({ length: shades + 1 }, (_, shade) => shade)

export function SnapshotMap({ map }: { map: Cells }) {
  const count = map.cells.length
  const columns = count > narrowRow * 16 ? wideRow : narrowRow
  const { current, setCurrent, onKeyDown } = useRoving(count, columns)
  const [pointed, setPointed] = useState<number | null>(null)
  const [focused, setFocused] = useState(false)
  if (count === 0) return null
  const told = pointed ?? (focused ? current : null)
  const cells = map.cells.map((share, index) => ({ from: index * map.cellBytes, share }))
  const touched = map.cells.filter((share) => share > 0).length
  return (
    <section className="sheet" aria-labelledby="snapshot-map">
      <h2 id="snapshot-map">
        {t.card.snapshot.title}{' '}
        <span title={format.exact(map.originBytes)}>{t.card.snapshot.ofSystem(format.size(map.originBytes))}</span>
      </h2>
      <p className="map-note">{t.card.snapshot.what}</p>
      <p className="unseen">{t.card.snapshot.summary(touched, count, format.size(map.cellBytes))}</p>
      <div
        className={`cells${columns === wideRow ? ' cells-wide' : ''}`}
        role="slider"
        tabIndex={0}
        aria-labelledby="snapshot-map"
        aria-valuemin={1}
        aria-valuemax={count}
        aria-valuenow={current + 1}
        aria-valuetext={cellText(map, current)}
        onKeyDown={onKeyDown}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onPointerOver={(event) => setPointed(cellUnder(event.target))}
        onPointerLeave={() => setPointed(null)}
        onClick={(event) => setCurrent(cellUnder(event.target) ?? current)}
      >
        {cells.map(({ from, share }, index) => (
          <i
            key={from}
            data-cell={index}
            className={`cell-${shadeOf(share)}${focused && index === current ? ' cell-current' : ''}`}
          />
        ))}
      </div>
      <div className="under-map" aria-hidden="true">
        <p>{t.card.snapshot.start}</p>
        <p>{t.card.snapshot.end}</p>
      </div>
      <p className="told">{told === null ? t.card.snapshot.hint : cellText(map, told)}</p>
      <p className="cells-legend" aria-hidden="true">
        {t.card.snapshot.none}
        {allShades.map((shade) => (
          <i key={shade} className={`cell-${shade}`} />
        ))}
        {t.card.snapshot.all}
      </p>
    </section>
  )
}

function cellUnder(target: EventTarget): number | null {
  const cell = target instanceof HTMLElement ? target.dataset.cell : undefined
  return cell === undefined ? null : Number(cell)
}

export function shadeOf(share: number): number {
  return share <= 0 ? 0 : Math.max(1, Math.min(shades, Math.ceil(share * shades)))
}

function cellText({ cells, cellBytes, originBytes }: Cells, index: number): string {
  const [from, to] = [index * cellBytes, Math.min(originBytes, (index + 1) * cellBytes)]
  const share = cells[index] ?? 0
  // Rounded up from nothing: a region with one changed block is not an unchanged one.
  const percent = share > 0 && share < 0.01 ? 0.01 : share
  return t.card.snapshot.cell(
    index + 1,
    cells.length,
    format.place(from, cellBytes),
    format.place(to, cellBytes),
    share === 0 ? t.card.snapshot.none : t.card.snapshot.changed(format.percent(percent)),
  )
}
