import { useId } from 'react'
import { FieldError } from 'react-aria-components/FieldError'
import { Input } from 'react-aria-components/Input'
import { Label } from 'react-aria-components/Label'
import { Text } from 'react-aria-components/Text'
import { TextArea } from 'react-aria-components/TextArea'
import { TextField } from 'react-aria-components/TextField'

interface FieldProps {
  label: string
  hint?: string
  value: string
  onChange: (value: string) => void
  /** What is wrong with the value, or null. */
  error: string | null
  type?: 'text' | 'url' | 'password'
  mono?: boolean
  /** More than one: a field of that many lines. */
  lines?: number
  /** What is offered while something is typed; anything else may be typed too. */
  offers?: readonly string[]
  onBlur?: () => void
}

export function Field({ label, hint, value, onChange, error, type = 'text', mono = false, lines = 1, offers, onBlur }: FieldProps) {
  const offersId = useId()
  const look = {
    className: `input${mono ? ' input-mono' : ''}`,
    spellCheck: 'false',
    autoComplete: type === 'password' ? 'new-password' : 'off',
  } as const
  return (
    // "aria": the browser's own bubbles would speak another language and cannot be styled.
    <TextField
      className="field"
      value={value}
      onChange={onChange}
      {...(onBlur && { onBlur })}
      isInvalid={error !== null}
      type={type}
      validationBehavior="aria"
    >
      <Label>{label}</Label>
      {lines > 1 ? <TextArea {...look} rows={lines} /> : <Input {...look} {...(offers && { list: offersId })} />}
      {offers ? (
        <datalist id={offersId}>
          {offers.map((offer) => (
            <option key={offer} value={offer} />
          ))}
        </datalist>
      ) : null}
      {error === null && hint ? <Text slot="description">{hint}</Text> : null}
      <FieldError>{error}</FieldError>
    </TextField>
  )
}
