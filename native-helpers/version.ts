import { readFileSync } from 'node:fs'

/** Of package.json, which lies one folder up in a checkout and two from a bundle. */
export const version = readVersion()

function readVersion(): string {
  for (const up of ['..', '../..']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(`${up}/package.json`, import.meta.url), 'utf8'))
      if (name === 'livecard' && typeof version === 'string') return version
    } catch {
      // Not this level.
    }
  }
  return '0.0.0'
}
