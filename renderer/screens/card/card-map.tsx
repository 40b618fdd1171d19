/** The card's parts drawn to scale. One stop of the Tab key; the arrow keys and the pointer go from part to part, and a line below says all of each. */
import { useRef, useState } from 'react'
import type { Report } from '../../../native-helpers/contract.ts'
import { useRoving } from '../../components/use-roving.ts'
import { format, t } from '../../i18n/index.ts'
import { type MapPiece, mapPieces } from '../../state/card-map.ts'
import { isIll, pieceWords } from './card-words.ts'

/** Of the map's width: what a name needs; where there are many parts, as much as leaves two fifths of the map to be to scale. */
const leastForName = 0.115
const leastForAll = 0.6
const leastForGap = 0.025
const colours = 4

export function CardMap({ report }: { report: Report }) {
  const { target, table, partitions } = report
  if (target.size === null || target.kind === 'overlay') return null
  const pieces = mapPieces(report)
  const count = table.type === 'none' ? [] : [t.card.map.partitions(partitions.length)]
  return (
    <section className="sheet" aria-labelledby="card-map">
      <h2 id="card-map">
        {t.card.map.title}{' '}
        <span title={format.exact(target.size)}>
          {[format.size(target.size), t.card.map.tables[table.type], ...count].join(' · ')}
        </span>
      </h2>
      {pieces.length === 0 ? <p className="soft">{t.card.map.empty}</p> : <Pieces pieces={pieces} wholeBytes={target.size} />}
    </section>
  )
}

function Pieces({ pieces, wholeBytes }: { pieces: readonly MapPiece[]; wholeBytes: number }) {
  const row = useRef<HTMLDivElement>(null)
  const { current, setCurrent, onKeyDown } = useRoving(pieces.length)
  const [pointed, setPointed] = useState<number | null>(null)
  const [focused, setFocused] = useState(false)
  const told = pointed ?? (focused ? current : null)
  const leastShare = Math.min(leastForName, leastForAll / pieces.length)
  const stretched = pieces.some((piece) => piece.kind !== 'gap' && piece.sizeBytes / wholeBytes < leastShare)
  const words = pieces.map(pieceWords)
  // Gaps that are not drawn leave their share to the others.
  const drawnBytes = pieces.reduce((sum, piece) => sum + piece.sizeBytes, 0)
  return (
    <div className="map-room">
      <div
        ref={row}
        className="parts"
        role="listbox"
        tabIndex={-1}
        aria-labelledby="card-map"
        aria-orientation="horizontal"
        onKeyDown={(event) => {
          const next = onKeyDown(event)
          if (next !== null) row.current?.querySelectorAll<HTMLElement>('[role="option"]')[next]?.focus()
        }}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onPointerLeave={() => setPointed(null)}
      >
        {pieces.map((piece, index) => (
          <div
            key={piece.key}
            role="option"
            aria-selected={index === current}
            aria-label={words[index]?.text}
            tabIndex={index === current ? 0 : -1}
            className={classOf(piece, pieces[index - 1])}
            style={{
              flexGrow: piece.sizeBytes / drawnBytes,
              minWidth: `${(piece.kind === 'gap' ? leastForGap : leastShare) * 100}%`,
            }}
            onFocus={() => setCurrent(index)}
            onPointerEnter={() => setPointed(index)}
          >
            {piece.usedFraction === null ? null : <i style={{ width: `${piece.usedFraction * 100}%` }} />}
            <span>{words[index]?.name}</span> <small>{words[index]?.detail}</small>
            <b>{piece.kind === 'partition' ? piece.partition?.number : ''}</b>
          </div>
        ))}
      </div>
      <div className="under-map">
        <p className="told">{told === null ? t.card.map.hint : words[told]?.text}</p>
        <p className="map-scale">{stretched ? t.card.map.notToScale(format.size(wholeBytes * leastShare)) : t.card.map.toScale}</p>
      </div>
    </div>
  )
}

function classOf(piece: MapPiece, before: MapPiece | undefined): string {
  const joined = before !== undefined && before.partition !== null && before.partition === piece.partition
  return [
    'part',
    `part-${piece.kind}`,
    piece.row === null ? '' : `part-colour-${(piece.row + (piece.kind === 'overlay' ? 1 : 0)) % colours}`,
    piece.overlay !== null && isIll(piece.overlay.state) ? 'part-full' : '',
    piece.overlay?.state === 'nearly-full' ? 'part-nearly-full' : '',
    joined ? 'part-joined' : '',
  ]
    .filter(Boolean)
    .join(' ')
}
