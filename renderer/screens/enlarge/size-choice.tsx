/** How large something is to be: a slider that ends where the room does, and the same as a number. */
import { useId, useState } from 'react'
import type { Growing } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Field } from '../../components/field.tsx'
import { Size } from '../../components/size.tsx'
import { format, t } from '../../i18n/index.ts'
import { grownBytes, sizeStops } from '../../state/growing.ts'
import { bytesOfText } from '../../state/size-text.ts'

interface SizeChoiceProps {
  part: Growing
  /** Null: what was typed is no size. */
  bytes: number | null
  onChange: (bytes: number | null) => void
}

export function SizeChoice({ part, bytes, onChange }: SizeChoiceProps) {
  const { nowBytes, maxBytes, leastBytes } = part
  const [typed, setTyped] = useState<string | null>(null)
  const shown = Math.min(maxBytes, Math.max(nowBytes, bytes ?? nowBytes))
  const { bytes: comesTo, isTrap } = grownBytes(part, shown)
  const slide = (size: number) => {
    setTyped(null)
    onChange(size)
  }
  const type = (text: string) => {
    setTyped(text)
    onChange(typedBytes(text, part))
  }
  return (
    <section className="sheet grow-sheet" aria-labelledby="grow-title">
      <h2 id="grow-title">
        {t.enlarge.size(t.enlarge.parts[part.what])} <span>{part.name}</span>
      </h2>
      <p className="grow-figure">
        <span className="big" title={format.exact(comesTo)}>
          {format.size(comesTo)}
        </span>
        <span className="soft">{shown < leastBytes ? t.enlarge.asItIs : t.enlarge.more(format.size(comesTo - nowBytes))}</span>
      </p>
      <Slider part={part} bytes={shown} onChange={slide} />
      <p className="plan-way soft">{t.enlarge.limits[part.limit](format.size(maxBytes))}</p>
      <div className="grow-number">
        <Field
          label={t.enlarge.number}
          hint={t.enlarge.numberHint}
          value={typed ?? format.size(shown)}
          onChange={type}
          error={typed === null ? null : typedProblem(typed, part)}
        />
        <Button onPress={() => slide(maxBytes)} isDisabled={shown === maxBytes}>
          {t.enlarge.most}
        </Button>
      </div>
      <p role="status" className="plan-way soft">
        {isTrap ? t.enlarge.trap(format.chunk(part.stepBytes)) : null}
      </p>
    </section>
  )
}

/** "max", and what the field says of all that there is, mean it to the byte. */
function typedBytes(text: string, { maxBytes, leastBytes }: Growing): number | null {
  if (text.trim().toLowerCase() === 'max' || text.trim() === format.size(maxBytes)) return maxBytes
  const bytes = bytesOfText(text)
  return typeof bytes === 'number' && bytes >= leastBytes && bytes <= maxBytes ? Math.floor(bytes) : null
}

function typedProblem(text: string, part: Growing): string | null {
  if (typedBytes(text, part) !== null) return null
  const bytes = bytesOfText(text)
  if (typeof bytes === 'string') return t.enlarge.bad[bytes]
  return bytes > part.maxBytes ? t.enlarge.tooLarge(format.size(part.maxBytes)) : t.enlarge.tooSmall(format.size(part.leastBytes))
}

/** What there is now takes this much of the picture at least and at most, so that the slider beside it can be held. */
const nowShare = { least: 0.12, most: 0.5 }

function Slider({ part, bytes, onChange }: { part: Growing; bytes: number; onChange: (bytes: number) => void }) {
  const { nowBytes, maxBytes } = part
  const legend = useId()
  const stops = sizeStops(part)
  const stop = stops.stopAt(bytes)
  const share = maxBytes > nowBytes ? (bytes - nowBytes) / (maxBytes - nowBytes) : 0
  const now = Math.min(nowShare.most, Math.max(nowShare.least, nowBytes / maxBytes))
  const { bytes: comesTo } = grownBytes(part, bytes)
  const left = maxBytes - bytes
  return (
    <div className="grow">
      <div className="grow-bar">
        <span className="grow-now" style={{ flexBasis: `${now * 100}%` }} />
        <span className="grow-room">
          {/* Ends below the middle of the handle, which stays inside at both ends. */}
          <span className="grow-added" style={{ width: `calc(${share} * (100% - 26px) + 13px)` }} />
          <input
            type="range"
            min={0}
            max={stops.last}
            step={1}
            value={stop}
            aria-labelledby="grow-title"
            aria-describedby={legend}
            aria-valuetext={t.enlarge.spoken(format.size(comesTo), format.size(comesTo - nowBytes), format.size(left))}
            onChange={(event) => onChange(stops.bytesAt(Number(event.target.value)))}
          />
        </span>
      </div>
      <dl className="grow-legend" id={legend}>
        <div className="grow-key-now">
          <dt>{t.enlarge.now}</dt>
          <dd>
            <Size bytes={nowBytes} />
          </dd>
        </div>
        <div className="grow-key-added">
          <dt>{t.enlarge.added}</dt>
          <dd>
            <Size bytes={comesTo - nowBytes} />
          </dd>
        </div>
        <div className="grow-key-left">
          <dt>{t.enlarge.left}</dt>
          <dd>
            <Size bytes={left} />
          </dd>
        </div>
      </dl>
    </div>
  )
}
