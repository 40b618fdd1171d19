import { textBytes } from './memory.ts'
import type { Calls, Process } from './process.ts'

/** Seconds are 32 bits wide in this libc. After 2038 they wrap, as the volumes' own 32-bit fields do; ext-files reads and writes the wider ones itself. */
function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) | 0
}

/** struct tm: nine ints from tm_sec to tm_isdst, then tm_gmtoff (include/time.h). */
function putCalendar(memory: Process['memory'], pointer: number, fields: readonly number[]): void {
  for (const [index, value] of fields.entries()) memory.setInt(pointer + index * 4, value)
}

const dayMs = 86_400_000

function localCalendar(date: Date): number[] {
  const yearStart = Date.UTC(date.getFullYear(), 0, 1)
  const dayOfYear = Math.round((Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - yearStart) / dayMs)
  const winter = new Date(date.getFullYear(), 0, 1).getTimezoneOffset()
  const summer = new Date(date.getFullYear(), 6, 1).getTimezoneOffset()
  const saving = winter !== summer && date.getTimezoneOffset() === Math.min(winter, summer)
  return [
    ...[date.getSeconds(), date.getMinutes(), date.getHours(), date.getDate(), date.getMonth(), date.getFullYear() - 1900],
    ...[date.getDay(), dayOfYear, saving ? 1 : 0, -date.getTimezoneOffset() * 60],
  ]
}

function universalCalendar(date: Date): number[] {
  const dayOfYear = Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / dayMs)
  return [
    ...[date.getUTCSeconds(), date.getUTCMinutes(), date.getUTCHours(), date.getUTCDate(), date.getUTCMonth()],
    ...[date.getUTCFullYear() - 1900, date.getUTCDay(), dayOfYear, 0, 0],
  ]
}

/** What the programs ask about time. */
export const clockCalls: Calls = {
  time:
    ({ memory, now: clock }) =>
    (pointer: number) => {
      const now = seconds(clock())
      if (pointer !== 0) memory.setInt(pointer, now)
      return now
    },
  gettimeofday:
    ({ memory, now: clock }) =>
    (pointer: number) => {
      const now = clock()
      memory.setInt(pointer, seconds(now))
      memory.setInt(pointer + 4, (now % 1000) * 1000)
      return 0
    },
  __clock_gettime:
    ({ memory, now: wall }) =>
    (clock: number, pointer: number) => {
      const now = clock === 0 ? wall() : performance.now()
      memory.setInt(pointer, seconds(now))
      memory.setInt(pointer + 4, Math.floor((now % 1000) * 1_000_000))
      return 0
    },
  emscripten_get_now: () => () => performance.now(),
  difftime: () => (later: number, earlier: number) => later - earlier,
  _localtime_js:
    ({ memory }) =>
    (time: number, to: number) =>
      putCalendar(memory, to, localCalendar(new Date(memory.getInt(time) * 1000))),
  _gmtime_js:
    ({ memory }) =>
    (time: number, to: number) =>
      putCalendar(memory, to, universalCalendar(new Date(memory.getInt(time) * 1000))),
  _mktime_js:
    ({ memory }) =>
    (from: number) => {
      const [second = 0, minute = 0, hour = 0, day = 0, month = 0, year = 0] = [0, 1, 2, 3, 4, 5].map((field) =>
        memory.getInt(from + field * 4),
      )
      const date = new Date(year + 1900, month, day, hour, minute, second)
      putCalendar(memory, from, localCalendar(date))
      return seconds(date.getTime())
    },
  _tzset_js:
    ({ memory, allocate }) =>
    (timezone: number, daylight: number, names: number) => {
      const year = new Date().getFullYear()
      const offsets = [new Date(year, 0, 1), new Date(year, 6, 1)].map((date) => date.getTimezoneOffset())
      memory.setInt(timezone, Math.max(...offsets) * 60)
      memory.setInt(daylight, offsets[0] === offsets[1] ? 0 : 1)
      const text = 'local'
      const name = allocate(textBytes(text))
      memory.setText(name, text)
      memory.setInt(names, name)
      memory.setInt(names + 4, name)
    },
  // Dates that debugfs is given as text; as numbers they work.
  strptime: () => () => 0,
  alarm: () => () => 0,
}
