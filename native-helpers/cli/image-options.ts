import { resolve } from 'node:path'
import type { FlashOptions, ImageRef } from '../contract.ts'
import { digestOption } from './args.ts'
import type { Given, Option } from './verb.ts'

/** What `flash` and `verify` both say about the image. */
export const imageOptions: Record<string, Option> = {
  sha256: { type: 'string', value: 'H', help: 'the published SHA-256, of the file or of the image in it' },
  md5: { type: 'string', value: 'H', help: 'the published MD5' },
  bmap: {
    type: 'string',
    value: 'FILE',
    help: 'the .bmap to go by; the one beside the image is found by itself, "none" ignores it',
  },
  member: { type: 'string', value: 'NAME', help: 'which image of a zip that holds several' },
}

export function imageRefOf(location: string, given: Given): ImageRef {
  const member = given.text('member')
  const isUrl = /^https?:\/\//i.test(location)
  return { location: isUrl ? location : resolve(location), ...(member === null ? {} : { member }) }
}

export function imageOptionsOf(given: Given): Pick<FlashOptions, 'sha256' | 'md5' | 'bmap'> {
  const bmap = given.text('bmap')
  return {
    sha256: digestOption(given, 'sha256'),
    md5: digestOption(given, 'md5'),
    bmap: bmap === null || bmap === 'none' ? bmap : resolve(bmap),
  }
}
