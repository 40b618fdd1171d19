/** A real dracut system on a stick that is filled until it dies, and what Livecard makes of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { runCli } from '../support/run-cli.ts'
import { bootStick, shutDown } from '../support/vm/boot-stick.ts'
import type { Conversation } from '../support/vm/conversation.ts'
import { cannotMakeLive, liveParts } from '../support/vm/live-parts.ts'
import { makeLiveStick, startOfStick } from '../support/vm/live-stick.ts'
import { reasonOf } from '../support/vm/not-fetched.ts'
import { stopMachines } from '../support/vm/qemu.ts'

const skip = cannotMakeLive() ?? false
const limit = { skip, timeout: 1_200_000 }
const folder = mkdtempSync(join(tmpdir(), 'livecard-vm-'))
/** Why nothing can be tried although all programs are here; null where it can. */
let unavailable: string | null = null
let stick: string
let running: Conversation | null = null

before(
  async () => {
    if (skip) return
    const parts = await liveParts('dracut').catch((thrown) => {
      unavailable = reasonOf(thrown)
      return null
    })
    if (!parts) return
    // 256 MiB is a length at which the kernel gives up an overlay that is full, whatever it was told.
    stick = makeLiveStick(folder, parts, { overlayMiB: 256, sizeMiB: 520 })
  },
  { timeout: 900_000 },
)
after(() => {
  stopMachines()
  rmSync(folder, { recursive: true, force: true })
})

async function boot(): Promise<Conversation> {
  await running?.stop()
  running = await bootStick(stick, startOfStick(stick, folder), folder)
  return running
}

/** What the overlay's line in the report says. */
async function reported() {
  const { code, stdout, stderr } = await runCli(['inspect', stick, '--json'])
  const report = JSON.parse(stdout || assert.fail(stderr))
  return {
    code,
    overlay: report.overlays[0],
    kernels: report.kernels,
    findings: report.findings as { id: string; severity: string }[],
  }
}

async function livecard(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli([...args, '--yes'])
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
  return stdout + stderr
}

const letters = `
mkdir -p /home/user/letters
for at in $(seq 40); do head -c $((at * 7000)) /dev/urandom > /home/user/letters/$at; done
rm /usr/bin/chattr
setfattr -n user.from -v grandmother /home/user/letters/7
sync
cd /home/user/letters && sha256sum *`
/** Not even a program can be started in the end, since it would have to be read: the shell asks the kernel to write, and waits for its word. */
const fillUntilItDies = `
dd if=/dev/zero of=/home/user/film bs=1M conv=fsync 2> /dev/null || true
echo s > /proc/sysrq-trigger
while read -r line; do case $line in *'Emergency Sync complete'*) break ;; esac; done < /proc/kmsg`
const sums = 'cd /home/user/letters && sha256sum *'
const status = 'dmsetup status live-rw'

/** Whether everything that was written before the stick died is there, and nothing that was deleted. */
async function holdsLetters(system: Conversation, expected: string): Promise<void> {
  assert.equal((await system.run(sums)).trim(), expected)
  assert.match(await system.run('getfattr --only-values -n user.from /home/user/letters/7'), /grandmother/)
  assert.match(await system.run('[ -e /usr/bin/chattr ] || echo "it is gone"'), /gone/)
}

test(
  'a stick that was filled until it died starts again with every letter, grows, and goes back to how it came',
  limit,
  async (t: TestContext) => {
    if (unavailable) return t.skip(unavailable)
    let expected = ''
    await t.test('it is used, and filled until the kernel gives its overlay up', async () => {
      const system = await boot()
      expected = (await system.run(letters)).trim()
      assert.equal(expected.split('\n').length, 40)
      await system.run(fillUntilItDies, 280)
      await system.stop()
    })
    await t.test('it does not start any more', async () => {
      await assert.rejects(boot(), /Kernel panic|marked invalid|can't read superblock/)
    })
    await t.test('the report says why, and the repair brings it back', async () => {
      const before = await reported()
      assert.equal(before.code, 6)
      assert.equal(before.overlay.state, 'invalid')
      assert.equal(before.overlay.snapshot.trapSize, true)
      await livecard('repair', stick)
      const system = await boot()
      await holdsLetters(system, expected)
      assert.equal((await system.run('uname -r')).trim(), before.kernels.find(({ starts }: { starts: boolean }) => starts)?.version)
      await system.run(
        'rm -f /home/user/film; head -c 10485760 /dev/urandom > /home/user/more; sync; echo 3 > /proc/sys/vm/drop_caches; cksum /home/user/more',
      )
      assert.match(await system.run(status), /snapshot \d+\/\d+ \d+/)
      await shutDown(system)
    })
    await t.test('folded into the image and made larger, the running system has the room that the report names', async () => {
      await livecard('merge', stick)
      await livecard('enlarge', stick, '--to', '330MiB')
      const { overlay } = await reported()
      assert.ok(overlay.totalBytes > 328 * 1024 * 1024, `${overlay.totalBytes}`)
      const system = await boot()
      await holdsLetters(system, expected)
      const [, used, total] = /snapshot (\d+)\/(\d+) \d+/.exec(await system.run(status)) ?? []
      assert.equal(Number(total), overlay.snapshot.totalSectors)
      assert.ok(Number(used) < 20_000, `${used} sectors of an overlay that was empty`)
      await system.run('echo new > /home/user/new; rm /home/user/letters/9; sync')
      await shutDown(system)
    })
    await t.test('after a reset it starts as its image is', async () => {
      await livecard('reset', stick)
      const system = await boot()
      await holdsLetters(system, expected)
      assert.match(await system.run('[ -e /home/user/new ] || echo none'), /none/)
      await shutDown(system)
      assert.equal((await reported()).overlay.state, 'ok')
    })
  },
)
