/** Our own line drawings: one grid of 24, lines of 1.5, round ends. They decorate; the words beside them say the same. */
import type { ReactNode } from 'react'

interface IconProps {
  /** Pixels. */
  size?: number
}

function drawing(content: ReactNode) {
  return function Icon({ size = 22 }: IconProps) {
    return (
      <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        {content}
      </svg>
    )
  }
}

export const CardIcon = drawing(
  <>
    <path d="M6 4.6A1.8 1.8 0 0 1 7.8 2.8H14l4 4v12.6a1.8 1.8 0 0 1-1.8 1.8H7.8A1.8 1.8 0 0 1 6 19.4z" />
    <path d="M9 6v3M11.5 6v3" />
  </>,
)
export const StickIcon = drawing(
  <>
    <rect x="8" y="2.8" width="8" height="5" rx="1" />
    <rect x="6" y="7.8" width="12" height="13.4" rx="2.2" />
    <path d="M10.6 5.3v.1M13.4 5.3v.1" />
  </>,
)
export const DiskIcon = drawing(
  <>
    <path d="M5.2 5.4A2 2 0 0 1 7.1 4h9.8a2 2 0 0 1 1.9 1.4l2.2 7.4v5.4a1.8 1.8 0 0 1-1.8 1.8H4.8A1.8 1.8 0 0 1 3 18.2v-5.4z" />
    <path d="M3.2 13h17.6M16.4 16.6h1" />
  </>,
)
export const VirtualIcon = drawing(
  <>
    <rect x="4" y="4" width="16" height="16" rx="2.4" strokeDasharray="3 2.4" />
    <path d="M12 8.4 15.4 10.3v3.6L12 15.8l-3.4-1.9v-3.6z" />
  </>,
)
export const CardFileIcon = drawing(
  <>
    <path d="M5 4.6a1.8 1.8 0 0 1 1.8-1.8h7.4L19 7.6v11.8a1.8 1.8 0 0 1-1.8 1.8H6.8A1.8 1.8 0 0 1 5 19.4z" />
    <path d="M14 3v5h5M9 17.4v-4.2a.9.9 0 0 1 .9-.9h2.9l2 2v3.1a.9.9 0 0 1-.9.9h-4a.9.9 0 0 1-.9-.9z" />
  </>,
)
export const ImageIcon = drawing(
  <>
    <circle cx="12" cy="12" r="8.6" />
    <circle cx="12" cy="12" r="2.6" />
  </>,
)
export const HistoryIcon = drawing(<path d="M4 12a8 8 0 1 0 2.6-5.9L4 8.4M4 4v4.4h4.4M12 8v4.4l3 1.8" />)
export const SettingsIcon = drawing(
  <>
    <path d="M4 7h9M17 7h3M4 17h3M11 17h9" />
    <circle cx="15" cy="7" r="2" />
    <circle cx="9" cy="17" r="2" />
  </>,
)
export const WriteIcon = drawing(
  <path d="M12 3v11M8 10.5 12 14.5l4-4M4 17v2.2A1.8 1.8 0 0 0 5.8 21h12.4a1.8 1.8 0 0 0 1.8-1.8V17" />,
)
export const CompareIcon = drawing(
  <>
    <path d="M4 5.5h6M4 10h6M4 14.5h3.4M4 19h2.6" />
    <path d="M14 5.5h6M14 10h6" />
    <path d="m10.6 17 3 3L20 13.6" />
  </>,
)
export const LookIcon = drawing(
  <>
    <circle cx="10.6" cy="10.6" r="6.6" />
    <path d="m15.4 15.4 5 5" />
  </>,
)
export const BackIcon = drawing(<path d="m14.5 5.5-6.5 6.5 6.5 6.5" />)
export const ChevronIcon = drawing(<path d="m9.5 6 6 6-6 6" />)
export const UpIcon = drawing(<path d="M12 20V5M5.5 11.5 12 5l6.5 6.5" />)
export const FolderIcon = drawing(
  <path d="M3.4 7.2a1.8 1.8 0 0 1 1.8-1.8h4.2l2.2 2.4h7.2a1.8 1.8 0 0 1 1.8 1.8v7.2a1.8 1.8 0 0 1-1.8 1.8H5.2a1.8 1.8 0 0 1-1.8-1.8z" />,
)
export const CheckIcon = drawing(<path d="m5.5 12.5 4.3 4.3L18.5 8" />)
export const CrossIcon = drawing(<path d="M6.5 6.5 17.5 17.5M17.5 6.5 6.5 17.5" />)
export const DangerIcon = drawing(
  <>
    <path d="M12 3.5 21.5 20h-19z" />
    <path d="M12 10v4.5M12 17.2v.1" />
  </>,
)
export const NoticeIcon = drawing(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M12 7.5v5.5M12 16.2v.1" />
  </>,
)
export const DoneIcon = drawing(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="m8 12.3 2.8 2.8L16 9.6" />
  </>,
)
export const LockIcon = drawing(
  <>
    <rect x="5" y="10.5" width="14" height="10" rx="2" />
    <path d="M8 10.5V7.8a4 4 0 0 1 8 0v2.7M12 14.5v2" />
  </>,
)

/** What starts by itself. */
export const BootIcon = drawing(
  <>
    <path d="M12 3.5v8" />
    <path d="M7.2 6.4a7.4 7.4 0 1 0 9.6 0" />
  </>,
)

/** The brand: a card with a heartbeat. Filled, so not one of the line drawings. */
export function BrandMark() {
  return (
    <svg width="24" height="24" viewBox="0 0 24 24" fill="none" aria-hidden="true" focusable="false">
      <path className="brand-card" d="M5 4.5A2.5 2.5 0 0 1 7.5 2H15l4 4v13.5a2.5 2.5 0 0 1-2.5 2.5h-9A2.5 2.5 0 0 1 5 19.5z" />
      <path className="brand-beat" d="M8 14h2l1.3-3.5 2 6L14.8 14H16" />
    </svg>
  )
}
