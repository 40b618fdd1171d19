/** Every place that can start, side by side: its kernel, whether the modules for it are there, and which one starts by itself. */
import type { Report, ReportKernel, ReportSlot } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { BootIcon } from '../../components/icons.tsx'
import { Mark, type MarkKind } from '../../components/mark.tsx'
import { t } from '../../i18n/index.ts'
import { usePlanning } from '../../state/planning.ts'

const moduleMarks: Record<ReportKernel['modules'], MarkKind | null> = { present: 'good', missing: 'bad', unknown: null }

interface KernelsProps {
  kernels: Report['kernels']
  /** Of a card that can be repaired; null for one that cannot. */
  path: string | null
}

export function Kernels({ kernels, path }: KernelsProps) {
  if (kernels.length === 0) return null
  const anyStarts = kernels.some((kernel) => kernel.starts)
  return (
    <section className="sheet" aria-labelledby="card-kernels">
      <h2 id="card-kernels">
        {t.card.kernels.title} <span>{anyStarts ? t.card.kernels.sub : t.card.kernels.startsUnknown}</span>
      </h2>
      <ul className="side-by-side">
        {kernels.map((kernel) => (
          <Kernel key={`${kernel.partition} ${kernel.path}`} kernel={kernel} />
        ))}
      </ul>
      {path !== null && kernels.some(({ where }) => where === 'kernel') ? <KernelChoice path={path} /> : null}
    </section>
  )
}

/** A kernel partition can be written from the system as it was delivered, or from what was installed since. */
function KernelChoice({ path }: { path: string }) {
  const writeFrom = (from: 'system' | 'rw') => usePlanning.getState().wish('repair', path, { 'kernel-from': from })
  return (
    <div className="since kernel-choice">
      <span className="since-words">
        <strong>{t.card.kernels.rewrite}</strong>
        <span>{t.card.kernels.rewriteText}</span>
      </span>
      <div className="actions">
        <Button onPress={() => writeFrom('system')}>{t.card.kernels.fromSystem}</Button>
        <Button onPress={() => writeFrom('rw')}>{t.card.kernels.fromChanges}</Button>
      </div>
    </div>
  )
}

function Kernel({ kernel }: { kernel: ReportKernel }) {
  const { where, version, path, partition, starts, modules } = kernel
  const mark = moduleMarks[modules]
  return (
    <li className={starts ? 'one-starts' : undefined}>
      <p className="one-head">
        <strong>{t.card.kernels.where[where]}</strong>
        {starts ? <Starts word={t.card.kernels.starts} /> : null}
      </p>
      <code className="one-main">{version ?? t.card.kernels.versionUnknown}</code>
      <p className="one-state">
        {mark === null ? null : <Mark kind={mark} />}
        {t.card.kernels.modules[modules]}
      </p>
      <p className="one-place">
        <code>{path}</code>
        {partition === null ? null : <span>{t.card.onPartition(partition)}</span>}
      </p>
    </li>
  )
}

function Starts({ word }: { word: string }) {
  return (
    <span className="pill pill-starts">
      <BootIcon size={14} />
      {word}
    </span>
  )
}

export function Slots({ slots }: { slots: Report['slots'] }) {
  if (slots.length === 0) return null
  return (
    <section className="sheet" aria-labelledby="card-slots">
      <h2 id="card-slots">
        {t.card.slots.title} <span>{t.card.slots.sub}</span>
      </h2>
      <ul className="side-by-side">
        {slots.map((slot) => (
          <Slot key={slot.id} slot={slot} />
        ))}
      </ul>
    </section>
  )
}

function Slot({ slot }: { slot: ReportSlot }) {
  return (
    <li className={slot.starts ? 'one-starts' : undefined}>
      <p className="one-head">
        <strong>{slot.title}</strong>
        {slot.starts ? <Starts word={t.card.slots.starts} /> : null}
      </p>
      <p className="one-main">{slot.release ?? t.card.slots.releaseUnknown}</p>
      <p className="one-state">
        <Mark kind={slot.bootable ? 'good' : 'bad'} />
        {slot.bootable ? t.card.slots.bootable : t.card.slots.broken}
      </p>
    </li>
  )
}
