import type { Architecture } from './kernel-image-headers.ts'
import { architectureOf } from './kernel-image-headers.ts'

/**
 * init/version.c: "Linux version 6.1.0-50-arm64 (debian-kernel@…) (gcc …) #1 SMP …". The same text without numbers stands beside it as a pattern for /proc/version.
 * utsname.release holds at most 64 characters.
 */
const banner = 'Linux version '
const pattern = /^Linux version (\d[^\s(]{0,63}) \(/
/** Holds it whole, as far as the end of the version. */
export const bannerBytes = 128
const headBytes = 64

/** Looks for the banner in a kernel that passes by in pieces, and remembers how it begins. */
export class BannerSearch {
  version: string | null = null
  #head = Buffer.alloc(0)
  #tail = Buffer.alloc(0)

  take(piece: Uint8Array): void {
    if (this.#head.length < headBytes) this.#head = Buffer.concat([this.#head, piece.subarray(0, headBytes - this.#head.length)])
    if (this.version !== null) return
    this.#look(Buffer.concat([this.#tail, piece.subarray(0, bannerBytes)]))
    this.#look(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
    const joined = piece.length >= bannerBytes ? piece : Buffer.concat([this.#tail, piece])
    this.#tail = Buffer.from(joined.subarray(-bannerBytes))
  }

  /** Of what passed by, by its first bytes; null where they tell nothing. */
  get architecture(): Architecture | null {
    return architectureOf(this.#head)
  }

  #look(bytes: Buffer): void {
    for (let at = bytes.indexOf(banner); at >= 0 && this.version === null; at = bytes.indexOf(banner, at + 1)) {
      this.version = pattern.exec(bytes.toString('latin1', at, at + bannerBytes))?.[1] ?? null
    }
  }
}
