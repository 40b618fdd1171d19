import { format } from '../i18n/index.ts'

/** A size as drives are sold; the exact number of bytes on hover. */
export function Size({ bytes }: { bytes: number }) {
  return <span title={format.exact(bytes)}>{format.size(bytes)}</span>
}
