import type { Drive } from '../../native-helpers/contract.ts'
import { CardIcon, DiskIcon, StickIcon, VirtualIcon } from './icons.tsx'

const pictures = { card: CardIcon, stick: StickIcon, disk: DiskIcon, virtual: VirtualIcon }

export function DrivePicture({ picture, size }: { picture: Drive['picture']; size?: number }) {
  const Picture = pictures[picture]
  return <Picture size={size} />
}
