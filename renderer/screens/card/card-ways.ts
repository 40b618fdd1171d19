/** What the buttons beside findings do today, and why the others cannot be pressed. */
import { t } from '../../i18n/index.ts'
import { useFlash } from '../../state/flash.ts'
import { firstRoute, go } from '../../state/route.ts'
import type { RemedyWay } from './findings.tsx'

/** `why`: what keeps the drive from being written, where something does. */
export function waysOfDrive(path: string, isWritable: boolean, why: string): RemedyWay {
  return (remedy) => {
    if (remedy === 'repair') return isWritable ? () => go(firstRoute('repair', path)) : why
    if (remedy !== 'flash') return t.card.notYet[remedy]
    return isWritable ? () => go({ screen: 'flash', mode: 'write' }) : why
  }
}

/** A card image can be written like a card; a folder is only a part of one, and an overlay file a part of a system. */
export function waysOfFile(kind: 'image' | 'folder' | 'overlay' | 'drive', path: string): RemedyWay {
  return (remedy) => {
    if (remedy === 'repair') return kind === 'folder' ? t.card.notYet.repair : () => go(firstRoute('repair', path))
    if (remedy !== 'flash') return t.card.notYet[remedy]
    return kind === 'image' ? () => writeInto(path) : t.card.notYet.folder
  }
}

export function writeInto(path: string): void {
  useFlash.getState().setCardFile({ wanted: true, path })
  go({ screen: 'flash', mode: 'write' })
}
