/** Sizes as people type them: "8 GB" as cards are sold, "8 GiB" in powers of two, "8" in GB; a comma is a decimal point to half of the world. */
const unitBytes: Record<string, number> = {
  '': 1e9,
  b: 1,
  bytes: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** Not rounded. */
export function bytesOfText(size: string): number | 'empty' | 'unreadable' {
  const text = size.trim().toLowerCase()
  if (text === '') return 'empty'
  const parts = /^(\d+(?:[.,]\d+)?)\s*([a-z]*)$/.exec(text)
  const unit = unitBytes[parts?.[2] ?? '?']
  return parts?.[1] && unit !== undefined ? Number(parts[1].replace(',', '.')) * unit : 'unreadable'
}
