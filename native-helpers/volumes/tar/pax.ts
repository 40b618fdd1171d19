/** Extended headers: records of "LENGTH KEY=VALUE\n", in which LENGTH counts itself. Values are bytes. */

import { decodeName, encodeName } from '../../wasm/names.ts'
import type { TarTime } from './entry.ts'
import { badArchive } from './format.ts'

export type Records = Map<string, Uint8Array>

export function encodeRecords(records: Records): Uint8Array {
  let whole = 0
  const heads: Uint8Array[] = []
  for (const [key, value] of records) {
    const name = encodeName(` ${key}=`)
    const rest = name.length + value.length + 1
    let length = rest + 1
    while (String(length).length + rest !== length) length = String(length).length + rest
    heads.push(Buffer.concat([Buffer.from(String(length), 'latin1'), name]))
    whole += length
  }
  const bytes = Buffer.allocUnsafe(whole)
  let at = 0
  let index = 0
  for (const value of records.values()) {
    const head = heads[index] ?? new Uint8Array()
    bytes.set(head, at)
    bytes.set(value, at + head.length)
    at += head.length + value.length + 1
    bytes[at - 1] = 0x0a
    index += 1
  }
  return bytes
}

export function decodeRecords(bytes: Uint8Array, into: Records): void {
  for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
    const space = bytes.indexOf(0x20, at)
    const length = space < 0 ? Number.NaN : Number(Buffer.from(bytes.subarray(at, space)).toString('latin1'))
    const end = at + length
    const equals = bytes.indexOf(0x3d, space)
    if (
      !Number.isSafeInteger(length) ||
      length <= 0 ||
      end > bytes.length ||
      bytes[end - 1] !== 0x0a ||
      equals < 0 ||
      equals >= end
    )
      throw badArchive('an extended header does not keep to its form')
    // A copy, which `slice` makes of a Uint8Array and not of a Buffer.
    into.set(decodeName(bytes.subarray(space + 1, equals)), new Uint8Array(bytes.subarray(equals + 1, end - 1)))
    at = end
  }
}

const billion = 1_000_000_000

/** "1234.5", "-0.25"; nothing is lost. */
export function encodeTime({ seconds, nanoseconds }: TarTime): Uint8Array {
  const negative = seconds < 0 && nanoseconds > 0
  const whole = negative ? -seconds - 1 : seconds
  const rest = negative ? billion - nanoseconds : nanoseconds
  const fraction = rest === 0 ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`
  return Buffer.from(`${negative ? '-' : ''}${whole}${fraction}`, 'latin1')
}

export function decodeTime(value: Uint8Array): TarTime {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(Buffer.from(value).toString('latin1')) ?? []
  if (whole === '') throw badArchive('a time is none')
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'))
  if (sign === '') return { seconds: Number(whole), nanoseconds }
  return nanoseconds === 0
    ? { seconds: 0 - Number(whole), nanoseconds }
    : { seconds: -Number(whole) - 1, nanoseconds: billion - nanoseconds }
}

/** As GNU tar writes the names of extended attributes, since "=" ends a key. */
export const xattrPrefix = 'SCHILY.xattr.'

export function encodeXattrKey(name: string): string {
  return xattrPrefix + name.replaceAll('%', '%25').replaceAll('=', '%3D')
}

export function decodeXattrKey(key: string): string {
  return key.slice(xattrPrefix.length).replaceAll('%3D', '=').replaceAll('%25', '%')
}
