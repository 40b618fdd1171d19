/**
 * What a backup of Livecard is: a tar archive in the pax form (POSIX.1-2001), plain, or packed as a row of gzip members or Zstandard frames, which every gunzip and
 * unzstd reads as one. GNU tar and bsdtar list and extract it; `--xattrs --xattrs-include='*' --numeric-owner` gives back everything.
 *
 * | member                      | what it is                                                                                                              |
 * |-----------------------------|-------------------------------------------------------------------------------------------------------------------------|
 * | `.livecard/manifest.json`   | always the first: this manifest, one JSON document, an entry of `files` per line. It is not packed, whatever the rest is |
 * | `.livecard/removed`         | second, with `since` only: paths that the earlier archive has and that are gone, each ended by a zero byte               |
 * | `FOLDER`, `FOLDER/…`        | each of `parts` in their order: parents before what is in them; hard links lead to an earlier member                    |
 * | `kernel/…`                  | with `kernel` only: the image of the kernel partition and the boot menus                                                 |
 * | `.livecard/unread.json`     | last, only where something could not be read: `unreadList`                                                               |
 *
 * What the members of a part mean is said by its `form`:
 *
 * | form        | members                                                                                                                                  |
 * |-------------|------------------------------------------------------------------------------------------------------------------------------------------|
 * | `tree`      | the files of a folder or volume, as they are                                                                                             |
 * | `upper`     | what lies over a system, in overlayfs' own marks: a character device 0:0 hides a file, trusted.overlay.opaque = "y" a folder's content     |
 * | `changes`   | the same marks, found by comparing a snapshot with its base: every file that differs, a 0:0 device for every one that is gone. Never opaque |
 * | `store`     | one file: a dm-snapshot store, sparse, with everything behind its used part as a hole                                                    |
 * | `container` | one file: an encrypted volume as it lies there                                                                                           |
 *
 * Times in members: mtime, atime and ctime to the nanosecond. Extended attributes: SCHILY.xattr.*, of all namespaces, values as getxattr(2)
 * gives them, the access control lists too. Files with holes: GNU's sparse format 1.0. Sockets are left out, as no archive holds them; they are in `unread.json`.
 * A place that could not be read is filled with zeros, its file has no sha256, and it is named in `unread.json`.
 *
 * Names are strings as wasm/names.ts makes them: UTF-8, and any other byte as a lone surrogate U+DC80 … U+DCFF, which JSON writes as \udc80.
 */
import * as z from 'zod'
import { LivecardError } from '../../errors.ts'
import { type Parsed, parsed, unusable } from '../../volumes/problem.ts'

export const manifestPath = '.livecard/manifest.json'
export const removedPath = '.livecard/removed'
export const unreadPath = '.livecard/unread.json'
/** The folder of the kernel partition's image and of the boot menus. */
export const kernelFolder = 'kernel'

const bytes = z.number().int().nonnegative()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** Seconds since 1970 with up to nine digits behind a point: "1700000000.25", as in pax headers. */
const time = z.string().regex(/^-?\d{1,15}(\.\d{1,9})?$/)

export const partForm = z.enum(['tree', 'upper', 'changes', 'store', 'container'])
export type PartForm = z.infer<typeof partForm>

/** The image that a part of the form `changes` or `store` lies over: on another one it is worth nothing. */
export const archiveBase = z.object({
  /** On the stick: "LiveOS/squashfs.img"; null where it was given by itself. */
  path: z.string().nullable(),
  /** Of the image as it lies on the stick. */
  imageBytes: bytes,
  /** Of the whole image, or, with `isSampled`, of its length as a decimal number, its first 1 MiB and its last 1 MiB. */
  sha256,
  isSampled: z.boolean(),
  /** Of the filesystem in it that the changes were made to. */
  originBytes: bytes,
  originUuid: z.string().nullable(),
})
export type ArchiveBase = z.infer<typeof archiveBase>

export const archivePart = z.object({
  /** As `--what` names it: "rw", "persistence", "overlay", "store", "home", "data", … */
  what: z.string().min(1),
  /** The top folder of its members; the same as `what`. */
  folder: z.string().min(1),
  form: partForm,
  origin: z.object({
    /** Number of the partition; 0 for a target without a table, null for a mounted folder. */
    partition: z.number().int().nonnegative().nullable(),
    /** Where it was on that volume: "rw", "LiveOS/overlay-LIVE-1A2B-3C4D"; "" for the whole of it. */
    path: z.string(),
    /** Of the filesystem that its files were in, as blkid calls it: ext4; crypto_LUKS for a container. */
    fs: z.string().nullable(),
    label: z.string().nullable(),
    uuid: z.string().nullable(),
  }),
  base: archiveBase.nullable(),
  /** Of all its files, also of those that only an earlier archive holds. */
  files: bytes,
  /** Content of these, without holes, hard links once. */
  bytes,
})
export type ArchivePart = z.infer<typeof archivePart>

export const archiveFile = z.object({
  /** In the archive: "rw/etc/fstab"; of a part's own top folder "rw". */
  path: z.string().min(1),
  kind: z.enum(['file', 'folder', 'link', 'char', 'block', 'fifo']),
  /** Of files, with holes; 0 for everything else. */
  size: bytes,
  mtime: time,
  /** Null where the filesystem has none. */
  ctime: time.nullable(),
  /** Of a file's whole content, holes as zeros. Null for what is no file, for a further name, and for what could not be read. */
  sha256: sha256.nullable(),
  /** The path of an earlier entry, of which this is a further name. */
  link: z.string().nullable().default(null),
  /** False: unchanged since `since`, and not in this archive. */
  stored: z.boolean().default(true),
})
export type ArchiveFile = z.infer<typeof archiveFile>

export const manifest = z.object({
  format: z.literal(1),
  /** "livecard 0.1.0" */
  madeBy: z.string(),
  /** Milliseconds since 1970. */
  madeAt: bytes,
  system: z.object({ id: z.string(), name: z.string(), generation: z.string().nullable() }),
  card: z.object({ kind: z.enum(['drive', 'image', 'folder', 'overlay']), sizeBytes: bytes.nullable() }),
  /** All volumes of the card. Those of the kind iso9660 are found by their UUID when a Lampone card starts. */
  volumes: z.array(
    z.object({
      partition: z.number().int().nonnegative(),
      role: z.string().nullable(),
      fs: z.string().nullable(),
      label: z.string().nullable(),
      uuid: z.string().nullable(),
      sizeBytes: bytes,
    }),
  ),
  kernels: z.array(z.object({ where: z.string(), partition: z.number().nullable(), version: z.string().nullable() })),
  parts: z.array(archivePart).min(1),
  /** With `--with-kernel`: members in `kernelFolder`. */
  kernel: z
    .object({
      partition: z.number().int().nonnegative(),
      /** "kernel/kernel.iso": the volume as far as it goes by its own size. */
      image: z.string(),
      uuid: z.string().nullable(),
      volumeId: z.string(),
      /** "kernel/efi/boot/grub.cfg": at the same path on the boot partition. */
      menus: z.array(z.string()),
    })
    .nullable(),
  /** What was chosen of the parts, as paths in the archive; empty: all of it. */
  only: z.array(z.string()),
  /** An incremental archive: it holds what differs from this earlier one, which has to be restored before it. */
  since: z.object({ madeAt: bytes, /** Of its manifest's member. */ manifestSha256: sha256, removed: bytes }).nullable(),
  /** In the order of the members. */
  files: z.array(archiveFile),
})
export type Manifest = z.infer<typeof manifest>

/** `unread.json`. */
export const unreadList = z.array(
  z.object({
    path: z.string(),
    /** A clause for people: "it is a socket", "4096 bytes at 81920 cannot be read". */
    why: z.string(),
    /** Of a file's content: what is zeros in the archive and was something else, or nobody knows. */
    ranges: z.array(z.object({ offset: bytes, lengthBytes: bytes })),
  }),
)
export type UnreadList = z.infer<typeof unreadList>

/** A manifest from the bytes of its member. */
export function parseManifest(content: Uint8Array): Parsed<Manifest> {
  try {
    const made = manifest.safeParse(JSON.parse(Buffer.from(content).toString('utf8')))
    if (made.success) return parsed(made.data)
    const [issue] = made.error.issues
    return unusable('manifest-form', `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is none'}`)
  } catch {
    return unusable('manifest-form', 'it is no JSON')
  }
}

/** For whoever asked for an archive of ours and was given something else. */
export function notOurArchive(path: string, why: string): LivecardError {
  return new LivecardError('data', 'backup-unknown', {
    message: `${path} is no backup of Livecard: ${why}.`,
    meaning: 'Nothing was changed.',
    next: 'Name a file that "livecard backup" has made.',
  })
}
