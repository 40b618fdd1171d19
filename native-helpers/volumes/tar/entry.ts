export type TarKind = 'file' | 'folder' | 'link' | 'hard-link' | 'char' | 'block' | 'fifo'

export interface TarTime {
  seconds: number
  nanoseconds: number
}

/** Bytes of a file that are there; between them are holes. */
export interface TarExtent {
  offset: number
  length: number
}

/** Strings may hold escaped bytes, as wasm/names.ts says. */
export interface TarEntry {
  kind: TarKind
  /** Without a slash at its beginning or end. */
  path: string
  /** Of links: where they lead; of hard links: the path of an earlier entry. */
  target: string
  permissions: number
  uid: number
  gid: number
  sizeBytes: number
  /** Null for a file without holes. */
  extents: TarExtent[] | null
  modified: TarTime
  accessed: TarTime | null
  changed: TarTime | null
  created: TarTime | null
  major: number
  minor: number
  xattrs: Map<string, Uint8Array>
}

/** How many bytes of content follow the header of a file. */
export function contentBytes({ kind, extents, sizeBytes }: TarEntry): number {
  if (kind !== 'file') return 0
  return extents === null ? sizeBytes : extents.reduce((sum, { length }) => sum + length, 0)
}
