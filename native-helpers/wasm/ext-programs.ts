/** What is asked of e2fsprogs, as commands: the program's arguments, and what its answer means. */
import type { BlockDevice } from '../block/device.ts'
import type { DeviceSpec } from '../block/spec.ts'
import { fromValue, LivecardError } from '../errors.ts'
import {
  devicePath,
  type ProgramListener,
  type ProgramResult,
  type ProgramRun,
  progressDescriptor,
  runProgramSync,
} from './program.ts'
import { type ProgramCall, runProgram } from './run-program.ts'

export interface Command<Answer> {
  run: ProgramRun
  read(result: ProgramResult): Answer
}

/** In this thread, for work that is in a thread of its own already. */
export function performSync<Answer>(command: Command<Answer>, device: BlockDevice, listener?: ProgramListener): Answer {
  return command.read(runProgramSync(command.run, device, listener))
}

export interface Performed<Answer> {
  answer: Answer
  outcome: unknown
}

/** In a thread of its own. */
export async function perform<Answer>(
  command: Command<Answer>,
  device: DeviceSpec,
  call?: ProgramCall,
): Promise<Performed<Answer>> {
  const finished = await runProgram(command.run, device, call)
  return { answer: command.read(finished), outcome: finished.outcome }
}

export interface CheckOptions {
  /** look: nothing is written · repair: every question is answered with yes · journal: only the journal is carried out */
  mode: 'look' | 'repair' | 'journal'
  /** Also rebuilds and packs folders (-D). */
  optimizeFolders?: boolean
  environment?: Record<string, string>
  /** What the clock shows to it, since 1970: a repair that is made up twice is the same then. */
  seconds?: number
}

export interface CheckAnswer {
  /** left: damage is still there; with `look`, that is damage found. */
  state: 'clean' | 'corrected' | 'left'
  exitCode: number
  /** What e2fsck said, with its banner. */
  text: string
  truncated: boolean
}

/** e2fsck(8), "EXIT CODE": a sum of these. */
const checked = { corrected: 1, reboot: 2, left: 4 } as const

/** Always the whole check (-f): a volume that says it is clean may not be. */
export function checkVolume({ mode, optimizeFolders = false, environment, seconds }: CheckOptions): Command<CheckAnswer> {
  const modes = { look: ['-f', '-n'], repair: ['-f', '-y'], journal: ['-E', 'journal_only', '-y'] } as const
  const args = [...modes[mode], ...(optimizeFolders ? ['-D'] : []), '-C', String(progressDescriptor), devicePath]
  return {
    run: { program: 'e2fsck', args, environment, seconds },
    read(result) {
      const { exitCode } = result
      if (exitCode & ~(checked.corrected | checked.reboot | checked.left) || result.memoryExhausted)
        throw programFailed('e2fsck', result)
      const state = exitCode & checked.left ? 'left' : exitCode & checked.corrected ? 'corrected' : 'clean'
      return { state, exitCode, text: spoken(result), truncated: result.truncated }
    },
  }
}

/** To a number of blocks, to the whole device, or as small as it can be. The volume must have been checked just before; resize2fs insists. */
export function resizeVolume(
  to: { blocks: number } | 'device' | 'minimum',
  { seconds }: { seconds?: number } = {},
): Command<string> {
  const size = to === 'device' ? [] : to === 'minimum' ? ['-M'] : [String(to.blocks)]
  const args = to === 'minimum' ? [...size, devicePath] : [devicePath, ...size]
  return { run: { program: 'resize2fs', args, seconds }, read: (result) => succeeded('resize2fs', result) }
}

/** How many blocks the volume needs at least, as resize2fs estimates it. */
export function smallestSize(): Command<number> {
  return {
    run: { program: 'resize2fs', args: ['-P', devicePath] },
    read(result) {
      const blocks = /minimum size of the filesystem: (\d+)/i.exec(succeeded('resize2fs', result))?.[1]
      if (!blocks) throw programFailed('resize2fs', result)
      return Number(blocks)
    },
  }
}

export interface NewVolume {
  type: 'ext2' | 'ext3' | 'ext4'
  label?: string
  uuid?: string
  blockBytes?: 1024 | 2048 | 4096
  inodeBytes?: number
  /** As mke2fs -O takes them: "^metadata_csum". */
  features?: readonly string[]
  /** As mke2fs -E takes them: "hash_seed=…". */
  extended?: readonly string[]
  /** Less than the device. */
  blocks?: number
  /** Of the blocks, for root alone. */
  reservedPercent?: number
  /** What the clock shows to it, since 1970. */
  seconds?: number
  environment?: Record<string, string>
}

export function makeVolume(options: NewVolume): Command<string> {
  const {
    type,
    label,
    uuid,
    blockBytes,
    inodeBytes,
    features = [],
    extended = [],
    blocks,
    environment,
    seconds,
    reservedPercent,
  } = options
  const args = ['-F', '-q', '-t', type]
  if (label !== undefined) args.push('-L', label)
  if (uuid !== undefined) args.push('-U', uuid)
  if (blockBytes !== undefined) args.push('-b', String(blockBytes))
  if (inodeBytes !== undefined) args.push('-I', String(inodeBytes))
  if (reservedPercent !== undefined) args.push('-m', String(reservedPercent))
  if (features.length > 0) args.push('-O', features.join(','))
  if (extended.length > 0) args.push('-E', extended.join(','))
  args.push(devicePath)
  if (blocks !== undefined) args.push(String(blocks))
  return { run: { program: 'mke2fs', args, environment, seconds }, read: (result) => succeeded('mke2fs', result) }
}

/** tune2fs with these arguments: ["-L", "name"]. */
export function tuneVolume(args: readonly string[], { seconds }: { seconds?: number } = {}): Command<string> {
  return { run: { program: 'tune2fs', args: [...args, devicePath], seconds }, read: (result) => succeeded('tune2fs', result) }
}

/** What dumpe2fs says of the superblock, as pairs in its order. */
export function describeVolume(): Command<Map<string, string>> {
  return {
    run: { program: 'dumpe2fs', args: ['-h', devicePath] },
    read(result) {
      const pairs = succeeded('dumpe2fs', result).matchAll(/^([^:\n]+):\s+(.*)$/gm)
      return new Map([...pairs].map(([, name = '', value = '']) => [name, value]))
    },
  }
}

function spoken({ err, out }: ProgramResult): string {
  return `${err}${out}`
}

function succeeded(program: string, result: ProgramResult): string {
  if (result.exitCode !== 0 || result.memoryExhausted) throw programFailed(program, result)
  return result.out
}

function programFailed(program: string, result: ProgramResult): LivecardError {
  // What the program makes of it explains less than the card's own error.
  if (result.deviceError) return fromValue(result.deviceError)
  const last = spoken(result).trim().split('\n').at(-1)?.trim() ?? ''
  if (result.memoryExhausted)
    return new LivecardError('failed', 'ext-memory', {
      message: `${program} needs more memory than it may have for this volume.`,
      meaning: 'It did not finish, so its result is worth nothing.',
      next: `Check the volume with the ${program} of a Linux system.`,
    })
  return new LivecardError('failed', 'ext-program', {
    message: `${program} could not do it (exit code ${result.exitCode})${last === '' ? '' : `: ${last}`}`,
    meaning: 'The volume is damaged in a way, or has a feature, that it cannot handle; or it was asked for something impossible.',
    next: 'Look at its full output in the report.',
  })
}
