/** Speed over what has been done. The plot stretches; the axis is text of its own, so that it stays readable at any width. */
import { format, t } from '../i18n/index.ts'

interface SpeedCurveProps {
  /** [done bytes, bytes per second] */
  points: readonly (readonly [number, number])[]
  totalBytes: number | null
}

const plotWidth = 1000
const plotHeight = 100

export function SpeedCurve({ points, totalBytes }: SpeedCurveProps) {
  const end = Math.max(totalBytes ?? 0, points.at(-1)?.[0] ?? 0, 1)
  const speeds = points.map(([, speed]) => speed)
  const top = niceTop(Math.max(0, ...speeds))
  const place = ([done, speed]: readonly [number, number]) =>
    `${((done / end) * plotWidth).toFixed(1)},${(plotHeight - (speed / top) * plotHeight).toFixed(1)}`
  const first = points[0]
  const last = points.at(-1)
  const line = points.length > 1 ? `M${points.map(place).join('L')}` : ''
  const area = first && last && line ? `${line}L${x(last[0], end)},${plotHeight}L${x(first[0], end)},${plotHeight}Z` : ''
  const words = last
    ? t.job.speedText(format.speed(Math.min(...speeds)), format.speed(Math.max(...speeds)), format.speed(last[1]))
    : t.job.speedNone

  return (
    <figure className="curve" role="img" aria-label={words}>
      <div className="curve-scale" aria-hidden="true">
        <span>{axisNumber(top)}</span>
        <span>{axisNumber(top / 2)}</span>
        <span>0</span>
      </div>
      <svg className="curve-plot" viewBox={`0 0 ${plotWidth} ${plotHeight}`} preserveAspectRatio="none" aria-hidden="true">
        <path className="curve-grid" d={`M0 0H${plotWidth}M0 ${plotHeight / 2}H${plotWidth}M0 ${plotHeight}H${plotWidth}`} />
        <path className="curve-area" d={area} />
        <path className="curve-line" d={line} />
      </svg>
      <div className="curve-unit" aria-hidden="true">
        <span>MB/s</span>
        <span>{totalBytes === null ? '' : format.size(totalBytes)}</span>
      </div>
    </figure>
  )
}

function x(done: number, end: number): string {
  return ((done / end) * plotWidth).toFixed(1)
}

function axisNumber(bytesPerSecond: number): string {
  return String(Number((bytesPerSecond / 1e6).toPrecision(3)))
}

/** The next of 1, 2, 4, 10 times a power of ten, so that the half is a round number too. */
export function niceTop(bytesPerSecond: number): number {
  if (bytesPerSecond <= 0) return 1e6
  const power = 10 ** Math.floor(Math.log10(bytesPerSecond))
  for (const step of [1, 2, 4, 6, 10]) if (step * power >= bytesPerSecond * 1.02) return step * power
  return 20 * power
}
