import { ProgressBar } from 'react-aria-components/ProgressBar'

interface UsageBarProps {
  label: string
  /** 0 … 1; null while it is not known. */
  fraction: number | null
  thick?: boolean
  state?: 'running' | 'done' | 'failed' | 'cancelled' | 'waiting'
}

export function UsageBar({ label, fraction, thick = false, state = 'running' }: UsageBarProps) {
  const classes = `bar bar-${state}${thick ? ' bar-thick' : ''}${fraction === null ? ' bar-unknown' : ''}`
  return (
    <ProgressBar aria-label={label} value={(fraction ?? 0) * 100} isIndeterminate={fraction === null} className={classes}>
      <span className="bar-fill" style={fraction === null ? undefined : { width: `${fraction * 100}%` }} />
    </ProgressBar>
  )
}
