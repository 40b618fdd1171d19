import type { Problem } from '../problem.ts'
import { configLines, type KernelArgument, kernelArguments } from './entry.ts'

export interface Cmdline {
  arguments: KernelArgument[]
  /** "cmdline-empty", "cmdline-lines". */
  problems: Problem[]
}

/** cmdline.txt of the Raspberry Pi: everything for the kernel stands in the first line, others are not read. */
export function parseCmdline(text: string): Cmdline {
  const [first = '', ...others] = configLines(text)
  const problems: Problem[] = []
  if (first.trim() === '') problems.push({ code: 'cmdline-empty', detail: 'its first line is empty' })
  if (others.some((line) => line.trim() !== '')) {
    problems.push({ code: 'cmdline-lines', detail: 'it has more than one line, and only the first is read' })
  }
  return { arguments: kernelArguments(first), problems }
}
