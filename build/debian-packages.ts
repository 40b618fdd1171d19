/** What Debian has to bring, by what needs it. `installDebian` in setup.ts installs what is missing. */
export const debianPackages = {
  /** The libraries that Electron's program links to or opens, a font, and what unpacks the development runtime. */
  electron: [
    'libasound2',
    'libatspi2.0-0',
    'libdrm2',
    'libgbm1',
    'libgtk-3-0',
    'libnotify4',
    'libnss3',
    'libsecret-1-0',
    'libxkbcommon0',
    'libxss1',
    'libxtst6',
    'fonts-dejavu-core',
    'squashfs-tools',
  ],
  /** The browser that the tests drive. */
  chromium: ['chromium', 'fonts-dejavu-core'],
  /** A display for tests on machines without one, and the programs that the tests compare with. */
  tests: [
    'bmap-tools',
    'btrfs-progs',
    'bzip2',
    'dbus',
    'dosfstools',
    'e2fsprogs',
    'fdisk',
    'gzip',
    'mtools',
    'openssl',
    'parted',
    'pkexec',
    'polkitd',
    'udev',
    'udisks2',
    'util-linux',
    'xvfb',
    'xz-utils',
    'zip',
    'zstd',
  ],
} as const satisfies Record<string, readonly string[]>
