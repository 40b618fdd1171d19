import { type ChildProcess, spawn } from 'node:child_process'
import { debuglog } from 'node:util'

const log = debuglog('livecard')

/** A program that keeps the computer awake for as long as it runs, and ends by itself when its stdin closes or our process is gone. */
interface Keeper {
  command: string
  args: string[]
}

/**
 * Linux: `systemd-inhibit` holds its lock as long as the command it runs; that is `cat` on a pipe of ours, which ends when we do, however we do.
 * macOS: `caffeinate -w` watches our process. Windows: the thread that set the execution state keeps it until it ends, which is when its stdin does.
 */
function keeperFor(platform: NodeJS.Platform): Keeper | null {
  switch (platform) {
    case 'linux':
      return {
        command: 'systemd-inhibit',
        args: ['--what=sleep:idle', '--who=Livecard', '--why=A card is being written', '--mode=block', 'cat'],
      }
    case 'darwin':
      return { command: '/usr/bin/caffeinate', args: ['-i', '-w', String(process.pid)] }
    case 'win32':
      return { command: 'powershell.exe', args: ['-NoProfile', '-NonInteractive', '-Command', windowsScript] }
    default:
      return null
  }
}

/** ES_CONTINUOUS | ES_SYSTEM_REQUIRED. The text is fixed; nothing from outside goes into it. */
const windowsScript = `$kernel = Add-Type -PassThru -Namespace Livecard -Name Kernel -MemberDefinition '[DllImport("kernel32.dll")] public static extern uint SetThreadExecutionState(uint state);'
[void]$kernel::SetThreadExecutionState([uint32]'0x80000001')
[void][Console]::In.ReadToEnd()`

/**
 * Keeps the computer from falling asleep while jobs run. That it cannot, on a system without a way to ask, is no reason to stop a job: it is noted in the
 * debug log (NODE_DEBUG=livecard) alone.
 */
export class StayAwake {
  private holders = 0
  private child: ChildProcess | null = null
  private readonly keeper: Keeper | null

  constructor(keeper: Keeper | null = keeperFor(process.platform)) {
    this.keeper = keeper
  }

  /** Whether something holds the computer awake now; for tests and reports. */
  get pid(): number | null {
    return this.child?.pid ?? null
  }

  /** Returns what ends it. */
  hold(): () => void {
    this.holders += 1
    if (this.holders === 1) this.start()
    let held = true
    return () => {
      if (!held) return
      held = false
      this.holders -= 1
      if (this.holders === 0) this.stop()
    }
  }

  private start(): void {
    if (!this.keeper) return
    try {
      const child = spawn(this.keeper.command, this.keeper.args, { stdio: ['pipe', 'ignore', 'ignore'], windowsHide: true })
      child.on('error', (error) => {
        log('cannot keep the computer awake: %s', error.message)
        if (this.child === child) this.child = null
      })
      child.on('exit', (code, signal) => {
        log('%s ended: %s', this.keeper?.command, signal ?? code)
        if (this.child === child) this.child = null
      })
      child.stdin?.on('error', () => {})
      child.unref()
      this.child = child
    } catch (thrown) {
      log('cannot keep the computer awake: %s', thrown)
    }
  }

  private stop(): void {
    this.child?.stdin?.end()
    this.child?.kill()
    this.child = null
  }
}
