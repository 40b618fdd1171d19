import { cardFindings } from './card-findings.ts'
import type { FindingKinds } from './finding.ts'
import { lamponeFindings } from './lampone/findings.ts'
import { liveosFindings } from './liveos/findings.ts'
import { modeFindings } from './mode/findings.ts'
import { abFindings } from './rpi-ab/findings.ts'
import { tmpfsrootFindings } from './tmpfsroot/findings.ts'

/** Every kind of finding that a report can hold, by who tells it: any card first, then the families. A family adds a line here. */
export const findingKinds: readonly { of: string; kinds: FindingKinds }[] = [
  { of: 'any card', kinds: cardFindings },
  { of: 'Lampone Pi, liveng and Resilient Linux', kinds: lamponeFindings },
  { of: 'LiveOS sticks', kinds: liveosFindings },
  { of: 'A/B cards of the Raspberry Pi', kinds: abFindings },
  { of: 'tmpfsroot disks', kinds: tmpfsrootFindings },
  { of: 'MoDe modules', kinds: modeFindings },
]
