import { FieldError } from 'react-aria-components/FieldError'
import { Input } from 'react-aria-components/Input'
import { Label } from 'react-aria-components/Label'
import { Text } from 'react-aria-components/Text'
import { TextField } from 'react-aria-components/TextField'

interface FieldProps {
  label: string
  hint?: string
  value: string
  onChange: (value: string) => void
  /** What is wrong with the value, or null. */
  error: string | null
  type?: 'text' | 'url'
  mono?: boolean
}

export function Field({ label, hint, value, onChange, error, type = 'text', mono = false }: FieldProps) {
  return (
    // "aria": the browser's own bubbles would speak another language and cannot be styled.
    <TextField className="field" value={value} onChange={onChange} isInvalid={error !== null} type={type} validationBehavior="aria">
      <Label>{label}</Label>
      <Input className={`input${mono ? ' input-mono' : ''}`} spellCheck="false" autoComplete="off" />
      {error === null && hint ? <Text slot="description">{hint}</Text> : null}
      <FieldError>{error}</FieldError>
    </TextField>
  )
}
