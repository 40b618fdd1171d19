/** The system image in equal cells, darker where more of it has been copied into the overlay. Arrow keys and pointer tell which region a cell is. */
import { type MouseEvent, useState } from 'react'
import type { SnapshotMap as Cells } from '../../../native-helpers/contract.ts'
import { useRoving } from '../../components/use-roving.ts'
import { format, t } from '../../i18n/index.ts'

/** So that a cell stays large enough to point at. */
const narrowRow = 32
const wideRow = 64
/** Shades that can be told apart; any change at all is the first of them. */
const shades = 5
/** Of the place that each has; the rest is the gap between them. */
const cellSide = 0.8
const allShades = Array.from({ length: shades + 1 }, (_, shade) => shade)

export function SnapshotMap({ map }: { map: Cells }) {
  const count = map.cells.length
  const columns = count > narrowRow * 16 ? wideRow : narrowRow
  const { current, setCurrent, onKeyDown } = useRoving(count, columns)
  const [pointed, setPointed] = useState<number | null>(null)
  const [focused, setFocused] = useState(false)
  if (count === 0) return null
  const told = pointed ?? (focused ? current : null)
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
        className="cells"
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
        onPointerMove={(event) => setPointed(cellAt(event, columns, count))}
        onPointerLeave={() => setPointed(null)}
        onClick={(event) => setCurrent(cellAt(event, columns, count) ?? current)}
      >
        <svg viewBox={`0 0 ${columns} ${Math.ceil(count / columns)}`} aria-hidden="true" focusable="false">
          {allShades.map((shade) => (
            <path key={shade} className={`cell-${shade}`} d={cellsOf(map.cells, shade, columns)} />
          ))}
          {told === null ? null : (
            <rect className="cell-current" x={told % columns} y={Math.floor(told / columns)} width={cellSide} height={cellSide} />
          )}
        </svg>
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

/** Which cell lies under the pointer; null beside and behind them. */
function cellAt({ clientX, clientY, currentTarget }: MouseEvent<HTMLElement>, columns: number, count: number): number | null {
  const picture = currentTarget.firstElementChild?.getBoundingClientRect()
  if (!picture || picture.width === 0) return null
  const side = picture.width / columns
  const [column, row] = [Math.floor((clientX - picture.left) / side), Math.floor((clientY - picture.top) / side)]
  const cell = row * columns + column
  return column >= 0 && column < columns && row >= 0 && cell < count ? cell : null
}

/** All cells of a shade as one drawing: thousands of elements would make the page slow for everyone who walks through it. */
function cellsOf(cells: readonly number[], shade: number, columns: number): string {
  return cells
    .map((share, index) =>
      shadeOf(share) === shade ? `M${index % columns} ${Math.floor(index / columns)}h${cellSide}v${cellSide}h-${cellSide}z` : '',
    )
    .join('')
}

function shadeOf(share: number): number {
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
