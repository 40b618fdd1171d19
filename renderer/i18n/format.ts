/** Numbers, sizes and times as people read them. Sizes are decimal, as drives are sold. */

export interface DurationWords {
  hours(count: number): string
  minutes(count: number): string
  seconds(count: number): string
}

export interface Format {
  number(value: number): string
  /** "3.9 GB" */
  size(bytes: number): string
  /** "4 KiB": chunks are made in powers of two. */
  chunk(bytes: number): string
  /** "134,218 kB": a place, as exactly as things of `stepBytes` need it. */
  place(bytes: number, stepBytes: number): string
  /** "3,932,160,000 bytes" */
  exact(bytes: number): string
  /** "2.4 of 3.9 GB": both in the unit of the whole, or "12 MB of 3.9 GB" where that would say 0. */
  sizeOf(bytes: number, wholeBytes: number): string
  /** "21.4 MB/s" */
  speed(bytesPerSecond: number): string
  /** "61 %"; 100 is kept for 1. */
  percent(fraction: number): string
  /** "1 minute 12 seconds", at most two units. */
  duration(seconds: number): string
  /** "0.3 s", "12 s": how long something short took. */
  moment(milliseconds: number): string
  /** "21 Nov 2026, 14:05" */
  date(milliseconds: number): string
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const
const noBreak = '\u00a0'

/** A name that ends with a size: its number and unit stay on one line. */
export function unbroken(name: string): string {
  return name.replace(/ (?=[kMGT]?B$)/, noBreak)
}

export function createFormat(locale: string, words: { of: string; bytes: string; duration: DurationWords }): Format {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 })
  const oneDigit = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
  const hundredths = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 })
  const fixedDigit = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
  const dates = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' })

  const unitOf = (bytes: number) => {
    let index = 0
    // 999 500 bytes would round to 1000 kB.
    while (index < units.length - 1 && bytes >= 999.5 * 1000 ** index) index++
    return index
  }
  const inUnit = (bytes: number, index: number) => {
    const value = bytes / 1000 ** index
    return (index === 0 || value >= 99.95 ? whole : oneDigit).format(value)
  }
  const nameOf = (index: number) => (index === 0 ? words.bytes : units[index])

  const size = (bytes: number) => {
    const index = unitOf(bytes)
    return `${inUnit(bytes, index)}${noBreak}${nameOf(index)}`
  }

  return {
    number: (value) => whole.format(value),
    size,
    chunk: (bytes) => `${oneDigit.format(bytes / 1024)}${noBreak}KiB`,
    place(bytes, stepBytes) {
      const index = unitOf(stepBytes)
      return `${whole.format(bytes / 1000 ** index)}${noBreak}${nameOf(index)}`
    },
    exact: (bytes) => `${whole.format(bytes)} ${words.bytes}`,
    sizeOf(bytes, wholeBytes) {
      const index = unitOf(wholeBytes)
      // Little is not nothing: it keeps a unit of its own.
      if (bytes > 0 && bytes < 0.05 * 1000 ** index) return `${size(bytes)} ${words.of} ${size(wholeBytes)}`
      return `${inUnit(bytes, index)} ${words.of} ${inUnit(wholeBytes, index)}${noBreak}${nameOf(index)}`
    },
    speed(bytesPerSecond) {
      // Never below MB/s: a speed keeps its unit while it changes, and the curve's axis has the same.
      const index = Math.max(2, unitOf(bytesPerSecond))
      const value = bytesPerSecond / 1000 ** index
      return `${(value >= 99.95 ? whole : fixedDigit).format(value)}${noBreak}${units[index]}/s`
    },
    // Never rounded up: 100 % means flushed and compared.
    percent: (fraction) => `${Math.floor(fraction * 100 + 1e-9)}${noBreak}%`,
    duration(seconds) {
      const all = Math.max(1, Math.round(seconds))
      const hours = Math.floor(all / 3600)
      const minutes = Math.floor((all % 3600) / 60)
      const rest = all % 60
      if (hours > 0) return [words.duration.hours(hours), minutes > 0 ? words.duration.minutes(minutes) : ''].join(' ').trim()
      if (minutes > 0) return [words.duration.minutes(minutes), rest > 0 ? words.duration.seconds(rest) : ''].join(' ').trim()
      return words.duration.seconds(rest)
    },
    moment: (milliseconds) => {
      const seconds = milliseconds / 1000
      return `${seconds < 0.095 ? hundredths.format(Math.max(0.01, seconds)) : seconds < 9.95 ? oneDigit.format(seconds) : whole.format(seconds)}${noBreak}s`
    },
    date: (milliseconds) => dates.format(milliseconds),
  }
}
