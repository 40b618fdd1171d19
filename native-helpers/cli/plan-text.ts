import type { FlashPlan, ImageFacts, PlanTarget } from '../contract.ts'
import { decimalSize, table } from './words.ts'

/** A plan as text: what is written, onto what, what goes, in which steps. */
export function planText(plan: FlashPlan): string {
  return [
    ...table([['Image', imageText(plan.image)], ...plan.targets.flatMap(targetRows)]),
    'Steps',
    ...plan.steps.map((step, index) => `  ${index + 1}. ${step.text}`),
    ...plan.warnings.map((warning) => `Note: ${warning.text}`),
  ].join('\n')
}

function imageText({ name, format, storedBytes, contentBytes, shows, sums }: ImageFacts): string {
  const stored = storedBytes === null ? null : decimalSize(storedBytes)
  const content = contentBytes === null ? 'size known once unpacked' : decimalSize(contentBytes)
  const size = format === 'raw' ? content : `${format}${stored ? `, ${stored} packed` : ''}, ${content}`
  const checked = [...new Set(sums.map((sum) => `${sum.algorithm} ${sum.from === 'given' ? 'as given' : `from ${sum.from}`}`))]
  return `${name} (${[size, shows, ...checked].filter(Boolean).join('; ')})`
}

function targetRows({ target, label, sizeBytes, loses, unmounts }: PlanTarget): string[][] {
  const path = target.kind === 'drive' ? target.identity.path : target.path
  return [
    ['Target', `${label} (${path}, ${decimalSize(sizeBytes)})`],
    ...(loses.length > 0 ? [['', `loses: ${textOf(loses)}`]] : []),
    ...(unmounts.length > 0 ? [['', `is unmounted first: ${unmounts.join(', ')}`]] : []),
  ]
}

function textOf(loses: PlanTarget['loses']): string {
  return loses.map(({ text }) => text).join(', ')
}

/** Names every drive and what goes with it: a yes to this is a yes to exactly that. */
export function questionText(plan: FlashPlan): string {
  const lines = plan.targets.map(({ target, label, loses }) => {
    const path = target.kind === 'drive' ? target.identity.path : target.path
    const lost = loses.length > 0 ? ` It loses ${textOf(loses)}.` : ''
    return `Everything on ${label} (${path}) is replaced.${lost}`
  })
  return `\n${lines.join('\n')}\nType yes to write, anything else to leave it as it is: `
}
