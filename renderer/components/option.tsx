import { Switch } from 'react-aria-components/Switch'

interface OptionProps {
  name: string
  text: string
  on: boolean
  onChange: (on: boolean) => void
}

/** Something that is on or off, with a sentence on what that does. */
export function Option({ name, text, on, onChange }: OptionProps) {
  return (
    <Switch className="option" isSelected={on} onChange={onChange}>
      <span className="option-words">
        <strong>{name}</strong>
        <span>{text}</span>
      </span>
      <span className="option-track" aria-hidden="true">
        <span className="option-knob" />
      </span>
    </Switch>
  )
}
