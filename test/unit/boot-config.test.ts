import assert from 'node:assert/strict'
import { readFileSync as readBytes, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatAutoboot, parseAutoboot } from '../../native-helpers/volumes/boot-config/autoboot.ts'
import { parseCmdline } from '../../native-helpers/volumes/boot-config/cmdline.ts'
import { argumentValue, kernelArguments } from '../../native-helpers/volumes/boot-config/entry.ts'
import { grubEntryNamed, grubPath, parseGrubCfg } from '../../native-helpers/volumes/boot-config/grub-cfg.ts'
import { formatGrubenv, parseGrubenv } from '../../native-helpers/volumes/boot-config/grubenv.ts'
import { parseSyslinux } from '../../native-helpers/volumes/boot-config/syslinux.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const systemUuid = '2020-06-01-10-00-00-00'
const kernelUuid = '2020-06-01-10-00-07-00'
const lampone = `set timeout=2
set default=0
set fallback=2

menuentry 'Standard boot' --unrestricted {
\tinsmod iso9660
\tsearch --no-floppy --set=root --hint=hd0,msdos3 --fs-uuid ${kernelUuid}
\tlinux /live/vmlinuz initrd=/live/initrd.img fromiso=${systemUuid} boot=live persistence quiet
\tinitrd /live/initrd.img
}
menuentry 'System Repair' --hotkey=s --unrestricted {
\tsearch --no-floppy --set=root --hint=hd0,msdos2 --fs-uuid ${systemUuid}
\tlinux /live/vmlinuz initrd=/live/initrd.img fromiso=${systemUuid} boot=live kernel-partition-restore
\tinitrd /live/initrd.img
}
`

const rootUuids = ['64eb4db5-3385-46a5-a3d5-c48197a53555', 'd2ada949-7fff-4257-91e9-793b25b0df02']
/** As grub-mkconfig begins on Fedora, with entries as tmpfsroot-fedora has them. */
const twoRoots = `# made by grub2-mkconfig
set pager=1
if [ -f \${config_directory}/grubenv ]; then
  load_env -f \${config_directory}/grubenv
fi
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="\${saved_entry}"
fi

if [ x"\${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
fi
function savedefault {
  if [ -z "\${boot_once}" ]; then
    saved_entry="\${chosen}"
  fi
}
set timeout=1
${rootUuids
  .map(
    (uuid) => `menuentry "tmpfsroot-fedora ${uuid}" {
  search --no-floppy --fs-uuid --set root ${uuid}
  source /boot/grub-opts
  linux /boot/vmlinuz root=UUID=${uuid} ro tmpfsroot.size=2G
  initrd /boot/initramfs.img
}`,
  )
  .join('\n')}
`

const submenus = `set boot_uuid="abcd-1234"
search --no-floppy --set=root -l 'My Stick'
menuentry 'It'"'"'s plain; really {not} a block' --class fedora --class os $menuentry_id_option 'plain' {
  set root='hd0,msdos1'
  search --fs-uuid $boot_uuid --set=root # comment
  linuxefi ($root)/vmlinuz "root=live:CDLABEL=My Stick" \\
    rd.live.image "opt=a b"
  initrdefi /ucode.img /initrd.img
}
submenu 'Others' {
  menuentry 'Second' --id=two { linux16 /memtest; }
  menuentry "Dollar \\$5 and \\"quotes\\"" { chainloader /EFI/x.efi; }
}
menuentry Last { configfile /other.cfg
}
blscfg
`

test('the menu of a Lampone card tells which partitions it looks for, and that its fallback leads nowhere', () => {
  const config = parseGrubCfg(lampone)
  assert.deepEqual(
    config.entries.map(({ title, kernel, initrds, place }) => [title, kernel, initrds, place]),
    [
      ['Standard boot', '/live/vmlinuz', ['/live/initrd.img'], '0'],
      ['System Repair', '/live/vmlinuz', ['/live/initrd.img'], '1'],
    ],
  )
  assert.deepEqual(config.entries[0]?.searches, [{ by: 'uuid', value: kernelUuid, sets: 'root', hints: ['hd0,msdos3'] }])
  assert.equal(argumentValue(config.entries[0]?.arguments ?? [], 'fromiso'), systemUuid)
  assert.equal(argumentValue(config.entries[1]?.arguments ?? [], 'kernel-partition-restore'), '')
  assert.deepEqual([config.defaultEntry, config.fallbacks, config.timeoutSeconds], ['0', ['2'], 2])
  assert.equal(grubEntryNamed(config, '2'), null)
  assert.equal(grubEntryNamed(config, 'System Repair')?.place, '1')
})

test('a menu that takes its default from grubenv says so, and what it looks for is found', () => {
  const config = parseGrubCfg(twoRoots)
  assert.deepEqual([config.readsSavedEntry, config.readsNextEntry, config.defaultEntry], [true, true, null])
  assert.deepEqual(
    config.entries.map(({ searches, sources, place }) => [searches[0]?.value, searches[0]?.sets, sources, place]),
    rootUuids.map((uuid, index) => [uuid, 'root', ['/boot/grub-opts'], `${index}`]),
  )
  assert.equal(argumentValue(config.entries[1]?.arguments ?? [], 'root'), `UUID=${rootUuids[1]}`)
})

test('quotes, submenus, variables and continued lines of a menu are understood', () => {
  const config = parseGrubCfg(submenus)
  const [plain, second, dollar, last] = config.entries
  assert.deepEqual(
    config.entries.map(({ place }) => place),
    ['0', '1>0', '1>1', '2'],
  )
  assert.equal(plain?.title, "It's plain; really {not} a block")
  assert.deepEqual([plain?.id, plain?.root], ['plain', 'hd0,msdos1'])
  assert.deepEqual(plain?.searches, [{ by: 'uuid', value: 'abcd-1234', sets: 'root', hints: [] }])
  assert.deepEqual(grubPath(plain?.kernel ?? ''), { device: 'hd0,msdos1', path: '/vmlinuz' })
  assert.deepEqual(plain?.arguments, [
    { name: 'root', value: 'live:CDLABEL=My Stick' },
    { name: 'rd.live.image', value: null },
    { name: 'opt', value: 'a b' },
  ])
  assert.deepEqual(plain?.initrds, ['/ucode.img', '/initrd.img'])
  assert.deepEqual([second?.id, second?.kernel], ['two', '/memtest'])
  assert.deepEqual([dollar?.title, dollar?.kernel], ['Dollar $5 and "quotes"', null])
  assert.deepEqual(last?.sources, ['/other.cfg'])
  assert.deepEqual(config.searches, [{ by: 'label', value: 'My Stick', sets: 'root', hints: [] }])
  assert.ok(config.usesLoaderEntries)
})

const noGrub = missingTools('grub-script-check', 'grub-editenv')
test('the menus of these tests are ones that GRUB takes', { skip: noGrub ?? false }, () => {
  for (const text of [lampone, twoRoots, submenus]) tool('grub-script-check', [], { input: text })
})

test('text that is no menu has no entries, however deep or long it is', () => {
  for (const text of [
    '',
    '}}}}',
    '{'.repeat(100_000),
    'menuentry {'.repeat(5000),
    '"'.repeat(9999),
    "menuentry '",
    'x\\',
    '$'.repeat(5000),
  ]) {
    const { entries } = parseGrubCfg(text)
    assert.ok(entries.length <= 1000, text.slice(0, 20))
  }
  // Each makes the next twice as long.
  const doubling = Array.from({ length: 64 }, (_, at) => `set v${at + 1}="\${v${at}}\${v${at}}x"`).join('\n')
  const config = parseGrubCfg(`${doubling}\nmenuentry 'e' { linux /\${v64} \${v20} }`)
  assert.ok((config.entries[0]?.kernel?.length ?? 0) < 200_000)
  const long = Array.from({ length: 50_000 }, (_, at) => `menuentry 'e${at}' { linux /v${at} }`).join('\n')
  assert.ok(parseGrubCfg(long).entries.length <= 1000)
})

test('grubenv is read as grub-editenv writes it, and written as it reads it', { skip: noGrub ?? false }, (t) => {
  const path = join(testFolder(t), 'grubenv')
  tool('grub-editenv', [path, 'create'])
  tool('grub-editenv', [path, 'set', 'saved_entry=1', 'next_entry=0', 'odd=back\\slash and = and #', 'empty='])
  const { value } = parseGrubenv(readBytes(path))
  assert.deepEqual([value?.savedEntry, value?.nextEntry, value?.problems], ['1', '0', []])
  assert.equal(value?.variables.get('odd'), 'back\\slash and = and #')
  assert.equal(value?.variables.get('empty'), '')
  const made = formatGrubenv(
    new Map([
      ['saved_entry', '0'],
      ['note', 'a\\b'],
    ]),
  ).value
  assert.equal(made?.length, 1024)
  writeFileSync(path, made ?? '')
  const listed = tool('grub-editenv', [path, 'list']).trim().split('\n')
  assert.deepEqual(listed, ['saved_entry=0', 'note=a\\b'])
})

test('a grubenv that GRUB would not write to is told', () => {
  const whole = Buffer.from(formatGrubenv(new Map([['saved_entry', '1']])).value ?? [])
  const codes = (bytes: Uint8Array) => parseGrubenv(bytes).value?.problems.map(({ code }) => code)
  assert.deepEqual(codes(whole), [])
  assert.deepEqual(codes(Buffer.from(whole.toString().replace('saved_entry=1', 'saved_entry 1'))), ['grubenv-line'])
  assert.deepEqual(codes(whole.subarray(0, 1023)), ['grubenv-length'])
  assert.deepEqual(codes(Buffer.concat([whole.subarray(0, 1000), Buffer.alloc(24)])), ['grubenv-padding'])
  assert.equal(parseGrubenv(Buffer.from('saved_entry=1\n')).problem?.code, 'grubenv-header')
  assert.equal(parseGrubenv(Buffer.alloc(1024)).problem?.code, 'grubenv-header')
  assert.equal(formatGrubenv(new Map([['long', 'x'.repeat(1024)]])).problem?.code, 'grubenv-full')
})

test('autoboot.txt tells the partition of the usual boot and that of the trial', () => {
  const made = parseAutoboot(Buffer.from(formatAutoboot(2, 3)))
  assert.deepEqual(made, {
    normal: { bootPartition: 2, trybootAB: true },
    trial: { bootPartition: 3, trybootAB: true },
    problems: [],
  })
  const odd = parseAutoboot(
    Buffer.from('# note\r\nboot_partition=5 # here\r\n[none]\nboot_partition=9\n[TRYBOOT]\n boot_partition = 6 \n'),
  )
  assert.deepEqual([odd.normal.bootPartition, odd.trial.bootPartition, odd.normal.trybootAB], [5, 6, false])
  assert.deepEqual(odd.problems, [])
})

test('an autoboot.txt that the firmware does not understand is told', () => {
  const codes = (text: string) => parseAutoboot(Buffer.from(text)).problems.map(({ code }) => code)
  assert.deepEqual(codes(`${formatAutoboot(2, 3)}#${'x'.repeat(512)}`), ['autoboot-long'])
  assert.deepEqual(codes('[pi4]\nboot_partition=2\n'), ['autoboot-filter'])
  assert.deepEqual(codes('boot_partition=two\nnonsense\n'), ['autoboot-value', 'autoboot-line'])
  assert.equal(parseAutoboot(Buffer.from('[pi4]\nboot_partition=2\n')).normal.bootPartition, null)
  // What stands behind the first sector is not read.
  assert.equal(parseAutoboot(Buffer.from(`${'#'.repeat(511)}\nboot_partition=2\n`)).normal.bootPartition, null)
})

test('a menu of syslinux tells its kernels, arguments and what starts by itself', () => {
  const config = parseSyslinux(`DEFAULT vesamenu.c32
TIMEOUT 100
append quiet
menu title Sticks
include more.cfg
label linux0
  menu label ^Start Live
  kernel vmlinuz0
  append initrd=initrd0.img,more.img root=live:UUID=1234-ABCD rd.live.image rd.live.overlay=UUID=1234-ABCD
  menu default
LABEL second
  LINUX /isolinux/vmlinuz single
  INITRD /isolinux/initrd.img
label third
  kernel vmlinuz0
  append -
menu include last.cfg
`)
  assert.deepEqual(
    config.entries.map(({ label, title, kernel, initrds }) => [label, title, kernel, initrds]),
    [
      ['linux0', 'Start Live', 'vmlinuz0', ['initrd0.img', 'more.img']],
      ['second', 'second', '/isolinux/vmlinuz', ['/isolinux/initrd.img']],
      ['third', 'third', 'vmlinuz0', []],
    ],
  )
  assert.deepEqual([config.defaultLabel, config.includes, config.timeoutTenths], ['linux0', ['more.cfg', 'last.cfg'], 100])
  assert.equal(argumentValue(config.entries[0]?.arguments ?? [], 'root'), 'live:UUID=1234-ABCD')
  assert.equal(argumentValue(config.entries[1]?.arguments ?? [], 'single'), '')
  assert.deepEqual(config.entries[2]?.arguments, [])
  const plain = parseSyslinux('default linux\nlabel linux\nkernel k\nappend a\n')
  assert.equal(plain.defaultLabel, 'linux')
})

test('arguments for the kernel keep what stands in quotes together', () => {
  assert.deepEqual(kernelArguments('  root=LABEL="My Stick"  ro a=b=c "x y"=1 '), [
    { name: 'root', value: 'LABEL=My Stick' },
    { name: 'ro', value: null },
    { name: 'a', value: 'b=c' },
    { name: 'x y', value: '1' },
  ])
  const { arguments: given, problems } = parseCmdline('console=tty1 root=/dev/disk/by-slot/active/system rw\r\n')
  assert.deepEqual(
    [argumentValue(given, 'root'), argumentValue(given, 'absent'), problems],
    ['/dev/disk/by-slot/active/system', null, []],
  )
  assert.deepEqual(
    ['\n', 'a\nb\n'].map((text) => parseCmdline(text).problems[0]?.code),
    ['cmdline-empty', 'cmdline-lines'],
  )
})
