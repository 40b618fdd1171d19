import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { modeFindings } from '../../native-helpers/systems/mode/findings.ts'
import { mode } from '../../native-helpers/systems/mode/index.ts'
import { baseFiles, extStick, fatStick, kernelVersion, makeChain, makeModule, modeTools } from '../support/mode.ts'
import { type Described, describedBy } from '../support/read-card.ts'
import { missingTools, tool } from '../support/tools.ts'

const needs = missingTools(...modeTools, 'unsquashfs')

async function described(folder: string): Promise<Described> {
  const found = await describedBy(mode, { folder })
  assert.ok(found, 'the folder is taken for one with modules')
  return found
}

describe('MoDe modules', { skip: needs ?? false }, () => {
  let work = ''
  let chain = ''
  let listed = ''
  before(() => {
    work = mkdtempSync(join(tmpdir(), 'livecard-mode-'))
    chain = join(work, 'chain')
    mkdirSync(chain)
    makeChain(chain)
    listed = join(work, 'listed')
    mkdirSync(listed)
    makeChain(listed, '.squashfs')
    writeList(listed, [
      'base',
      'base-essential',
      'base-essential-console',
      'base-essential-console-lightx',
      'base-essential-console-smtp',
    ])
  })
  after(() => rmSync(work, { recursive: true, force: true }))

  function writeList(folder: string, names: readonly string[]): void {
    writeFileSync(join(folder, 'filesystem.module'), names.map((name) => `${name}.squashfs\n`).join(''))
  }
  function spoiled(from: string, spoil: (folder: string) => void): string {
    const copy = join(work, `copy-${Math.random().toString(36).slice(2)}`)
    cpSync(from, copy, { recursive: true })
    spoil(copy)
    return copy
  }

  test('in a folder are known by their names, and a complete chain has no complaint', async () => {
    const { detection, description, ids } = await described(chain)
    assert.equal(detection.id, 'mode')
    assert.match(detection.generation ?? '', /\.sqfs\.img/)
    assert.deepEqual(ids, [])
    const size = (names: string[]) => names.reduce((sum, name) => sum + statSync(join(chain, `${name}.sqfs.img`)).size, 0)
    const bytes = size(['base', 'base-essential', 'base-essential-console', 'base-essential-console-lightx'])
    assert.deepEqual(description.facts, [
      { label: 'System', value: 'Debian GNU/Linux 12 (bookworm)' },
      {
        label: 'Memory for base-essential-console-lightx',
        value: `${Math.round(bytes / 1000)} kB for 4 modules, and what the running system writes`,
      },
      description.facts[2],
    ])
    assert.deepEqual(description.kernels, [
      {
        where: 'module',
        partition: null,
        version: kernelVersion,
        path: `base-essential.sqfs.img:/boot/vmlinuz-${kernelVersion}`,
        starts: null,
        modules: 'present',
      },
    ])
  })

  test('by the names of live-boot need a list, and a whole one has no complaint', async () => {
    const { detection, ids } = await described(listed)
    assert.match(detection.generation ?? '', /\.squashfs/)
    assert.deepEqual(ids, [])
    const without = spoiled(listed, (folder) => rmSync(join(folder, 'filesystem.module')))
    assert.equal(await describedBy(mode, { folder: without }), null)
  })

  test('on a stick are found in "live", on FAT and on ext4', async () => {
    for (const image of [fatStick(work, listed, 'live'), extStick(work, listed, 'live')]) {
      const found = await describedBy(mode, { image })
      assert.deepEqual(found?.ids, [])
      assert.equal(found?.detection.roles.get(0), 'modules')
      const room = found?.description.rooms[0]
      assert.ok(room && room.usedBytes > 100_000 && room.totalBytes > 30_000_000)
    }
  })

  test('with their own ending only are found by no system on a stick', async () => {
    for (const inside of ['', 'live']) {
      const found = await describedBy(mode, { image: fatStick(work, chain, inside) })
      assert.deepEqual(found?.ids, ['mode-not-recognised'])
    }
  })

  test('are told their time as unsquashfs tells it', async () => {
    const said = tool('unsquashfs', ['-s', '-UTC', join(chain, 'base.sqfs.img')])
    assert.match(said, /Tue Nov 14 23:13:20 2023/)
    const old = spoiled(chain, (folder) => makeModule(folder, 'base-essential.sqfs.img', { madeSeconds: 1_600_000_000 }))
    const { description } = await described(old)
    const finding = description.findings.find(({ id }) => id === 'mode-older-than-parent')
    assert.equal(finding?.detail, 'base-essential.sqfs.img is of 2020-09-13 12:26, base.sqfs.img of 2023-11-14 23:13.')
  })

  test('whose levels stand in another order get a better name proposed', async () => {
    const folder = spoiled(chain, (copy) =>
      renameSync(join(copy, 'base-essential-console-lightx.sqfs.img'), join(copy, 'base-lightx-console-essential.sqfs.img')),
    )
    const { ids, description } = await described(folder)
    assert.deepEqual(ids, ['mode-order'])
    assert.equal(
      description.findings[0]?.detail,
      'base-lightx-console-essential.sqfs.img seems to be meant as base-essential-console-lightx.sqfs.img.',
    )
  })

  const cases: { id: keyof typeof modeFindings; from?: 'listed'; detail: RegExp; spoil: (folder: string) => void }[] = [
    {
      id: 'mode-parent-missing',
      detail: /base-essential-console\.sqfs\.img stands on base-essential, which is not there/,
      spoil: (folder) => rmSync(join(folder, 'base-essential.sqfs.img')),
    },
    {
      id: 'mode-parent-missing',
      detail: /base-net\.i386\.sqfs\.img stands on base for i386, which is not there; there is base\.amd64/,
      spoil: (folder) => {
        renameSync(join(folder, 'base.sqfs.img'), join(folder, 'base.amd64.sqfs.img'))
        makeModule(folder, 'base-net.i386.sqfs.img')
      },
    },
    {
      id: 'mode-module-unreadable',
      detail: /base-essential-console\.sqfs\.img: there is no squashfs image here/i,
      spoil: (folder) => writeFileSync(join(folder, 'base-essential-console.sqfs.img'), Buffer.alloc(5000, 'x')),
    },
    {
      id: 'mode-module-unreadable',
      detail: /base\.sqfs\.img: /,
      spoil: (folder) => {
        const path = join(folder, 'base.sqfs.img')
        const bytes = readFileSync(path)
        const inodes = Number(bytes.readBigUInt64LE(64))
        bytes.fill(0xff, inodes, inodes + 200)
        writeFileSync(path, bytes)
      },
    },
    {
      id: 'mode-module-truncated',
      detail: /base\.sqfs\.img: .* it says that it has \d+ bytes/,
      spoil: (folder) => truncateSync(join(folder, 'base.sqfs.img'), 8192),
    },
    {
      id: 'mode-fat-limit',
      detail: /base\.sqfs\.img: .*4294967295 are there/,
      spoil: (folder) => {
        const path = join(folder, 'base.sqfs.img')
        const bytes = readFileSync(path)
        bytes.writeBigUInt64LE(5_000_000_000n, 40)
        writeFileSync(path, bytes)
        truncateSync(path, 4_294_967_295)
      },
    },
    {
      id: 'mode-twice',
      detail: /base-essential\.sqfs\.img and base-essential\.squashfs/,
      spoil: (folder) => cpSync(join(folder, 'base-essential.sqfs.img'), join(folder, 'base-essential.squashfs')),
    },
    {
      id: 'mode-architecture',
      detail: /base-essential-console\.sqfs\.img holds libraries for i386 instead of amd64/,
      spoil: (folder) =>
        makeModule(folder, 'base-essential-console.sqfs.img', { files: { 'usr/lib/i386-linux-gnu/libtool.so': 'x' } }),
    },
    {
      id: 'mode-architecture',
      detail: /other\.arm64\.sqfs\.img holds libraries for amd64 instead of arm64/,
      spoil: (folder) => makeModule(folder, 'other.arm64.sqfs.img', { files: baseFiles }),
    },
    {
      id: 'mode-aufs-marks',
      detail: /base-essential-console-smtp\.sqfs\.img: 2, as etc\/\.wh\.motd, usr\/share\/doc\/\.wh\.\.wh\.\.opq/,
      spoil: (folder) =>
        makeModule(folder, 'base-essential-console-smtp.sqfs.img', {
          files: { 'etc/.wh.motd': '', 'usr/share/doc/.wh..wh..opq': '', '.wh..wh.plnk/': '', '.wh..wh.aufs': '' },
        }),
    },
    {
      id: 'mode-list-missing-file',
      from: 'listed',
      detail: /filesystem\.module names gone\.squashfs/,
      spoil: (folder) => writeList(folder, ['base', 'base-essential', 'base-essential-console', 'gone']),
    },
    {
      id: 'mode-list-order',
      from: 'listed',
      detail: /names base-essential\.squashfs before base\.squashfs/,
      spoil: (folder) => writeList(folder, ['base-essential', 'base']),
    },
    {
      id: 'mode-list-incomplete',
      from: 'listed',
      detail: /names base-essential-console\.squashfs, but not base-essential\.squashfs/,
      spoil: (folder) => writeList(folder, ['base', 'base-essential-console']),
    },
    {
      id: 'mode-list-unlisted',
      from: 'listed',
      detail: /On no list: base-essential-console-lightx\.squashfs, base-essential-console-smtp\.squashfs/,
      spoil: (folder) => writeList(folder, ['base', 'base-essential', 'base-essential-console']),
    },
  ]
  for (const { id, from, detail, spoil } of cases) {
    test(`${id}: ${modeFindings[id].title}`, async () => {
      const { description, ids } = await described(spoiled(from ? listed : chain, spoil))
      assert.ok(ids.includes(id), `${id} is not among ${ids.join(', ')}`)
      assert.ok(
        description.findings.some((finding) => finding.id === id && detail.test(finding.detail)),
        description.findings.map((finding) => finding.detail).join('\n'),
      )
    })
  }

  test('one squashfs alone, or files that only have the name, are no store of modules', async () => {
    const live = join(work, 'live-system')
    mkdirSync(live)
    makeModule(live, 'filesystem.squashfs', { files: baseFiles })
    writeFileSync(join(live, 'filesystem.module'), 'filesystem.squashfs\n')
    assert.equal(await describedBy(mode, { folder: live }), null)
    const names = join(work, 'names')
    mkdirSync(names)
    writeFileSync(join(names, 'base.sqfs.img'), 'not an image')
    assert.equal(await describedBy(mode, { folder: names }), null)
  })
})
