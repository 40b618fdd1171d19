/** A real live-boot system on a card in the layout of Lampone Pi: flashed by Livecard, used, changed by every job, and started after each. */
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { LamponeCard } from '../support/lampone.ts'
import { runCli } from '../support/run-cli.ts'
import { bootStick, shutDown } from '../support/vm/boot-stick.ts'
import type { Conversation } from '../support/vm/conversation.ts'
import { cannotMakeLoader, makeLiveCard, startOfCard } from '../support/vm/live-card.ts'
import { cannotMakeLive, liveParts } from '../support/vm/live-parts.ts'
import { reasonOf } from '../support/vm/not-fetched.ts'
import { stopMachines } from '../support/vm/qemu.ts'

const skip = cannotMakeLive() ?? cannotMakeLoader() ?? false
const folder = mkdtempSync(join(tmpdir(), 'livecard-vm-'))
const stick = join(folder, 'stick.img')
let card: LamponeCard
/** Why nothing can be tried although all programs are here; null where it can. */
let unavailable: string | null = null
let running: Conversation | null = null

before(
  async () => {
    if (skip) return
    const parts = await liveParts('live-boot').catch((thrown) => {
      unavailable = reasonOf(thrown)
      return null
    })
    if (parts) card = makeLiveCard(folder, parts, 192)
  },
  { timeout: 900_000 },
)
after(() => {
  stopMachines()
  rmSync(folder, { recursive: true, force: true })
})

/** By the firmware and the card's own loader, or, quicker, by handing over what the kernel partition holds. */
async function boot(way: 'uefi' | 'direct'): Promise<Conversation> {
  await running?.stop()
  running = await bootStick(stick, way === 'uefi' ? 'uefi' : startOfCard(stick, card, folder), folder)
  const { kernels } = await report()
  const started = kernels.find(({ starts }) => starts)?.version
  assert.equal((await running.run('uname -r')).trim(), started)
  return running
}

interface Seen {
  kernels: { starts: boolean | null; version: string | null }[]
  findings: { id: string; severity: string }[]
  partitions: { number: number; size: number; used: number | null }[]
}

async function report(): Promise<Seen> {
  const { stdout, stderr } = await runCli(['inspect', stick, '--json'])
  return JSON.parse(stdout || assert.fail(stderr))
}

async function errors(): Promise<string[]> {
  return (await report()).findings.filter(({ severity }) => severity === 'error').map(({ id }) => id)
}

async function livecard(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await runCli([...args, '--yes'])
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
}

/** What a user does in an afternoon: letters, a package, rights of every kind, something thrown away, something renamed. */
const use = `
mkdir -p /home/user/letters
for at in $(seq 30); do head -c $((at * 9000)) /dev/urandom > /home/user/letters/$at; done
ln /home/user/letters/1 /home/user/letters/same
chown -R user:user /home/user/letters
cp /bin/ls /usr/local/bin/raw
setcap cap_net_raw+ep /usr/local/bin/raw
setfacl -m u:user:rw,g:daemon:r /home/user/letters/2
setfattr -n user.from -v grandmother /home/user/letters/3
mkfifo /home/user/pipe
rm /usr/bin/chattr
rm -r /usr/share/perl5
mkdir /usr/share/perl5
echo mine > /usr/share/perl5/mine
mkdir -p /tmp/package/DEBIAN /tmp/package/usr/share/diary
for at in $(seq 200); do echo "page $at" > /tmp/package/usr/share/diary/$at; done
printf 'Package: diary\\nVersion: 1\\nArchitecture: all\\nMaintainer: A User <user@example.org>\\nDescription: pages\\n' > /tmp/package/DEBIAN/control
dpkg-deb -b /tmp/package /tmp/diary.deb > /dev/null
dpkg -i /tmp/diary.deb > /dev/null
sync`

/** Everything that must not change from one start to the next. */
const facts = `
cd /home/user
sha256sum letters/*
stat -c '%n %a %u %g %h %F %Y' letters letters/* pipe /usr/local/bin/raw
getcap /usr/local/bin/raw
getfacl -n letters/2
getfattr --only-values -n user.from letters/3; echo
ls -d /usr/bin/chattr 2> /dev/null || echo thrown away
ls /usr/share/perl5
dpkg-query -W diary
cat /usr/share/diary/* | cksum`
const sizeMiB = 'df -m --output=size $(ls -d /run/live/persistence/*4) | tail -1'

test('a card is used, made larger, saved, reset, given back what was saved, and mended, and starts each time', {
  skip,
  timeout: 1_200_000,
}, async (t) => {
  if (unavailable) return t.skip(unavailable)
  let expected = ''
  let sizeBefore = 0
  const saved = join(folder, 'saved.tar.zst')
  const isAsLeft = async (system: Conversation) => assert.equal(await system.run(facts), expected)

  await t.test('flashed, it starts by its own loader, and is used', async () => {
    await livecard('flash', card.path, stick, '--size', '2GB')
    const system = await boot('uefi')
    await system.run(use, 200)
    expected = await system.run(facts)
    assert.match(expected, /cap_net_raw=ep.*user:1000:rw-.*grandmother.*thrown away\nmine\ndiary\t1/s)
    sizeBefore = Number(await system.run(sizeMiB))
    await shutDown(system)
    assert.deepEqual(await errors(), [])
  })
  await t.test('made larger, it has the room', async () => {
    await livecard('enlarge', stick, '--to', 'max')
    const system = await boot('direct')
    await isAsLeft(system)
    const size = Number(await system.run(sizeMiB))
    assert.ok(size > sizeBefore + 1000, `${sizeBefore} MiB, then ${size} MiB`)
    await shutDown(system)
  })
  await t.test('saved and reset, it starts as it was delivered', async () => {
    const { code, stdout, stderr } = await runCli(['backup', stick, saved])
    assert.equal(code, 0, `${stdout}${stderr}`)
    await livecard('reset', stick)
    const system = await boot('uefi')
    assert.match(
      await system.run('ls /home/user/letters 2> /dev/null || echo none; ls /usr/bin/chattr'),
      /none\n\/usr\/bin\/chattr/,
    )
    await shutDown(system)
  })
  await t.test('given back what was saved, it has all of it, and its new name', async () => {
    await livecard('restore', saved, stick)
    await livecard('customise', stick, '--hostname', 'attic')
    const system = await boot('direct')
    await isAsLeft(system)
    assert.equal((await system.run('cat /etc/hostname')).trim(), 'attic')
    await shutDown(system)
  })
  await t.test('with its kernel partition destroyed and mended, it starts by its own loader', async () => {
    const file = openSync(stick, 'r+')
    writeSync(file, new Uint8Array(1024 * 1024), 0, 1024 * 1024, card.kernel.startBytes)
    closeSync(file)
    assert.ok((await errors()).length > 0)
    await livecard('repair', stick)
    assert.deepEqual(await errors(), [])
    const system = await boot('uefi')
    await isAsLeft(system)
    await system.stop()
  })
})
