import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LivecardError, systemCode } from '../errors.ts'

export interface ServedFile {
  type: string
  bytes: Buffer
}

/** Everything the server can ever hand out, by request path. No path of a request is turned into a path of a file. */
const served: Record<string, { name: string; type: string; needed: boolean }> = {
  '/': { name: 'index.html', type: 'text/html; charset=utf-8', needed: true },
  '/app.js': { name: 'app.js', type: 'text/javascript; charset=utf-8', needed: true },
  '/app.css': { name: 'app.css', type: 'text/css; charset=utf-8', needed: true },
  '/icon.svg': { name: 'icon.svg', type: 'image/svg+xml', needed: false },
}

/** The interface's bundle, read once: what is served cannot change under a running page. */
export async function readBundle(folder: string): Promise<Map<string, ServedFile>> {
  const files = new Map<string, ServedFile>()
  for (const [path, { name, type, needed }] of Object.entries(served)) {
    try {
      files.set(path, { type, bytes: await readFile(join(folder, name)) })
    } catch (thrown) {
      if (!needed && systemCode(thrown) === 'ENOENT') continue
      throw new LivecardError(
        'failed',
        'interface-not-built',
        {
          message: `The interface for the browser is not built: ${join(folder, name)} cannot be read.`,
          meaning: 'Nothing was started. Every verb of the command line works without it.',
          next: 'In a checkout, run "npm run build" or start with "npm start -- serve", which builds it; else install Livecard anew.',
        },
        thrown,
      )
    }
  }
  return files
}
