/**
 * Which mount points belong to the computer and which to its user. Unknown places count as the computer's: a drive that is refused
 * without need can be unmounted by hand, a drive that was overwritten cannot be had back.
 */

/** What the running system itself lies on, with the media of live systems (Debian, Ubuntu, Fedora, Arch, Manjaro, Slax, overlayroot). */
const runningFrom = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/run/live',
  '/run/initramfs',
  '/run/archiso',
  '/run/miso',
  '/run/artix',
  '/run/rootfsbase',
  '/run/overlayfs',
  '/usr/lib/live',
  '/lib/live',
  '/live',
  '/cdrom',
  '/isodevice',
  '/rofs',
  '/sysroot',
  '/initrd',
  '/media/root-ro',
  '/media/root-rw',
  '/mnt/live',
  '/System',
]

/** Where users and their desktops mount their own drives; below them nothing is the computer's. */
const usersPlaces = ['/media', '/run/media', '/mnt', '/Volumes']

export type MountOwner = 'root' | 'system' | 'user'

/** 'root': the computer runs from it; 'system': the computer keeps something else there; 'user': may be unmounted for the user. */
export function mountOwner(mountPoint: string): MountOwner {
  if (mountPoint === '/' || runningFrom.some((place) => within(mountPoint, place))) return 'root'
  if (usersPlaces.some((place) => within(mountPoint, place))) return 'user'
  if (/^\/tmp\/.|^\/var\/tmp\/.|^\/private\/tmp\/.|^\/private\/var\/folders\/./.test(mountPoint)) return 'user'
  // A folder in somebody's home is that person's own; the home itself, or all homes, is the computer's.
  if (/^\/home\/[^/]+\/.|^\/Users\/[^/]+\/.|^\/root\/./.test(mountPoint)) return 'user'
  return 'system'
}

function within(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`)
}
