/** What the kernel shows of a card's files is what GNU tar and bsdtar make of our archive: nothing is lost on the way. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { extractAll, manifestOf, saved } from '../support/backup.ts'
import { type FileFacts, kernelFacts, treeDifferences } from '../support/ext-tree-facts.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { type CardPlace, type LamponeCard, makeLampone } from '../support/lampone.ts'
import { writeRichTree } from '../support/rich-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const skip =
  missingTools(
    'mke2fs',
    'sfdisk',
    'xorriso',
    'mksquashfs',
    'mkfs.vfat',
    'tar',
    'zstd',
    'getfattr',
    'setfattr',
    'setfacl',
    'setcap',
  ) ??
  cannotMount() ??
  false

export function inPersistence<T>(
  { path }: LamponeCard,
  { startBytes, sizeBytes }: CardPlace,
  options: string,
  use: (folder: string) => T,
): T {
  return mounted(path, `${options},offset=${startBytes},sizelimit=${sizeBytes}`, use)
}

function richCard(t: TestContext): LamponeCard {
  const card = makeLampone(testFolder(t), { layout: 'lampone', persistenceMiB: 160, changes: 'empty' })
  inPersistence(card, card.persistence, 'rw', (folder) => {
    writeRichTree(join(folder, 'rw'), { wideTimes: true, reserves: true })
    tool('mknod', [join(folder, 'rw/gone'), 'c', '0', '0'])
    tool('ln', [join(folder, 'rw/gone'), join(folder, 'rw/gone too')])
  })
  return card
}

function emptyVolume(t: TestContext): string {
  const image = join(testFolder(t), 'volume.img')
  writeFileSync(image, '')
  truncateSync(image, 192 * 1024 * 1024)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-N', '8192', image])
  return image
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const withoutSockets = (facts: Map<string, FileFacts>) => new Map([...facts].filter(([, { kind }]) => kind !== 'socket'))

test('GNU tar and bsdtar give back what the kernel shows of a card', { skip }, async (t) => {
  const card = richCard(t)
  const before = withoutSockets(inPersistence(card, card.persistence, 'ro,noatime', (folder) => kernelFacts(join(folder, 'rw'))))
  assert.ok(before.size > 780)
  const whole = sha256(card.path)
  const extracted = (archive: string, extract: typeof extractAll) =>
    mounted(emptyVolume(t), 'rw', (folder) => {
      extract(archive, folder)
      return kernelFacts(join(folder, 'rw'))
    })
  const archives = ['tar', 'tar.gz', 'tar.zst'].map((ending) => join(testFolder(t), `card.${ending}`))
  for (const archive of archives) {
    const result = await saved({ path: card.path }, archive)
    assert.deepEqual([result.left, result.unread], [[{ path: 'rw/socket', why: 'it is a socket' }], 0])
    checkSums(archive, before)
  }
  assert.equal(sha256(card.path), whole, 'the card was written to')
  const [plain = '', gzip = '', zstd = ''] = archives
  const after = extracted(plain, extractAll)
  // GNU tar gives no access times back; how a tree is laid out is not the archive's.
  assert.deepEqual(treeDifferences(before, after, ['accessed', 'allocatedBytes']), [])
  for (const path of ['./sparse', './only-a-hole', './reserved'])
    assert.ok((after.get(path)?.allocatedBytes ?? Number.POSITIVE_INFINITY) < 200_000, `${path} got its holes filled`)
  const list = (archive: string) =>
    tool('tar', ['--list', '--verbose', '--file', archive])
      .replace(/.*manifest.json\n/, '')
      .replace(/.*unread.json\n/, '')
  assert.ok(list(gzip) === list(plain) && list(zstd) === list(plain))
  const noBsdtar = missingTools('bsdtar')
  if (noBsdtar) return t.diagnostic(noBsdtar)
  const again = extracted(zstd, (archive, folder) => {
    tool('bsdtar', ['-x', '-p', '--numeric-owner', '--xattrs', '--acls', '-f', archive, '-C', folder])
  })
  // libarchive counts a fraction of a second forwards from a time before 1970.
  assert.deepEqual(
    treeDifferences(before, again, ['accessed', 'allocatedBytes']).filter((line) => !line.startsWith('./plain/d0: modified "-')),
    [],
  )
})

/** Names are escaped in the same way on both sides. */
function checkSums(archive: string, before: Map<string, FileFacts>): void {
  const { files, parts } = manifestOf(archive)
  const byPath = new Map(files.map((file) => [file.path, file]))
  for (const [path, fact] of before) {
    const file = byPath.get(path === '.' ? 'rw' : `rw${path.slice(1)}`)
    assert.equal(file?.kind, fact.kind, path)
    if (fact.kind !== 'file') continue
    const first = file?.link ? byPath.get(file.link) : file
    assert.deepEqual([first?.sha256, file?.size], [fact.content, fact.sizeBytes], path)
  }
  assert.equal(byPath.size, before.size)
  assert.deepEqual(
    parts.map(({ what, form, origin }) => [what, form, origin.path]),
    [['rw', 'upper', 'rw']],
  )
}

test('what waits in the journal of a card that was pulled out is saved', { skip }, async (t) => {
  const card = makeLampone(testFolder(t), { layout: 'liveng', persistenceMiB: 64 })
  const pulled = join(testFolder(t), 'pulled.img')
  const truth = inPersistence(card, card.persistence, 'rw,commit=300', (folder) => {
    for (let index = 0; index < 200; index += 1)
      writeFileSync(join(folder, `rw/home/user/new-${index}`), `number ${index}`.repeat(50))
    tool('rm', [join(folder, 'rw/home/user/letter.txt')])
    mkdirSync(join(folder, 'rw/home/user/last'))
    tool('sync', ['-f', folder])
    tool('cp', ['--sparse=always', card.path, pulled])
    return kernelFacts(join(folder, 'rw'))
  })
  assert.match(tool('dumpe2fs', ['-h', `${pulled}?offset=${card.persistence.startBytes}`]), /needs_recovery/)
  const archive = join(testFolder(t), 'card.tar')
  assert.deepEqual((await saved({ path: pulled }, archive)).left, [])
  const after = mounted(emptyVolume(t), 'rw', (folder) => {
    extractAll(archive, folder)
    return kernelFacts(join(folder, 'rw'))
  })
  assert.deepEqual(treeDifferences(truth, after, ['accessed', 'allocatedBytes']), [])
})

test('the kernel partition and the boot menu go with it, and single files by their paths', { skip }, async (t) => {
  const card = makeLampone(testFolder(t), { layout: 'lampone', upgraded: true })
  const archive = join(testFolder(t), 'card.tar.zst')
  await saved({ path: card.path }, archive, { withKernel: true, only: ['rw/home', 'rw/usr/bin/tool'] })
  const names = tool('tar', ['--list', '--file', archive]).split('\n').filter(Boolean)
  assert.deepEqual(names, [
    ...['.livecard/manifest.json', 'rw/', 'rw/home/', 'rw/home/user/', 'rw/home/user/letter.txt'],
    ...['rw/home/user/photo.jpg', 'rw/home/user/same photo.jpg', 'rw/usr/', 'rw/usr/bin/', 'rw/usr/bin/tool'],
    ...['kernel/', 'kernel/kernel.iso', 'kernel/efi/', 'kernel/efi/boot/', 'kernel/efi/boot/grub.cfg'],
  ])
  const folder = testFolder(t)
  extractAll(archive, folder)
  const { kernel, kernels, volumes, only } = manifestOf(archive)
  assert.deepEqual([kernel?.uuid, kernel?.volumeId, kernel?.menus], [card.kernelUuid, 'SK-SYSTEM2', ['kernel/efi/boot/grub.cfg']])
  assert.equal(tool('blkid', ['-p', '-o', 'value', '-s', 'UUID', join(folder, 'kernel/kernel.iso')]).trim(), card.kernelUuid)
  const image = readFileSync(join(folder, 'kernel/kernel.iso'))
  assert.ok(image.equals(readFileSync(card.path).subarray(card.kernel.startBytes, card.kernel.startBytes + image.length)))
  assert.ok(readFileSync(join(folder, 'kernel/efi/boot/grub.cfg'), 'utf8').includes(card.kernelUuid))
  assert.ok(kernels.some(({ where, version }) => where === 'kernel' && version === card.kernelVersion))
  assert.deepEqual(
    volumes.filter(({ fs }) => fs === 'iso9660').map(({ role, uuid }) => [role, uuid]),
    [
      ['system', card.systemUuid],
      ['kernel', card.kernelUuid],
    ],
  )
  assert.deepEqual(only, ['rw/home', 'rw/usr/bin/tool'])
})
