import { realpath, stat } from 'node:fs/promises'
import { systemCode } from '../../../errors.ts'
import type { Located } from '../types.ts'
import { gather } from './gather.ts'
import { deviceNumber } from './numbers.ts'
import { nodeOfNumber } from './sysfs.ts'

/** By the device number behind the name, whatever the name is: a link, a second node, a way through /proc. */
export async function locate(path: string): Promise<Located> {
  let facts: Awaited<ReturnType<typeof statOf>>
  try {
    facts = await statOf(path)
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return { is: 'absent' }
    throw thrown
  }
  if (!facts.isBlockDevice()) return { is: 'other', what: kindOfFile(facts) }
  const node = await nodeOfNumber(deviceNumber(facts.rdev))
  if (node === null) return { is: 'absent' }
  const drives = await gather()
  const whole = drives.find((drive) => drive.deviceNumber === (node.parent ?? node.number))
  if (!whole) return { is: 'absent' }
  return node.parent === null ? { is: 'drive', facts: whole } : { is: 'partition', whole }
}

async function statOf(path: string) {
  return stat(await realpath(path), { bigint: true })
}

function kindOfFile(facts: Awaited<ReturnType<typeof statOf>>): string {
  if (facts.isDirectory()) return 'a folder'
  if (facts.isFile()) return 'a file'
  return facts.isCharacterDevice() ? 'a character device' : 'something else'
}
