import type { ChangePlan } from '../jobs/change.ts'
import { decimalSize, table } from './words.ts'

/** A plan to change a card as text: what is done, what stays, what goes, where the undo file lies. */
export function changeText(plan: ChangePlan): string {
  const { target, steps, keeps, loses, notes, unmounts, writeBytes, undoPath } = plan
  const listed = (title: string, sentences: string[]) =>
    sentences.length > 0 ? [title, ...sentences.map((text) => `  ${text}`)] : []
  return [
    ...table([['Target', `${target.label} (${target.path}, ${decimalSize(target.sizeBytes)})`]]),
    ...(unmounts.length > 0 ? [`  is unmounted first: ${unmounts.join(', ')}`] : []),
    ...(steps.length > 0 ? ['Steps', ...steps.map((text, index) => `  ${index + 1}. ${text}`)] : ['This would change nothing.']),
    ...listed('Stays', keeps),
    ...listed('Goes', loses),
    ...notes.map((text) => `Note: ${text}`),
    ...(writeBytes > 0 ? [`Writes ${decimalSize(writeBytes)}. What stands there now is kept in ${undoPath}`] : []),
  ].join('\n')
}

export function changeQuestion({ target, loses }: ChangePlan): string {
  const lost = loses.length > 0 ? ` ${loses.join(' ')}` : ''
  return `\n${target.label} (${target.path}) is changed as said above.${lost}\nType yes to do it, anything else to leave it as it is: `
}
