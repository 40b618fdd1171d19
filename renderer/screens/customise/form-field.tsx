/** A field of the form by its name: its value, its words and its problem come from the form around it. */
import { createContext, useContext } from 'react'
import { Field } from '../../components/field.tsx'
import { Option } from '../../components/option.tsx'
import { t } from '../../i18n/index.ts'
import type { FormField as FieldName, SettingsForm } from '../../state/settings-form.ts'

interface FormValue {
  form: SettingsForm
  /** Null also while the field has not been left yet. */
  errorOf(field: FieldName): string | null
  set<F extends FieldName>(field: F, value: SettingsForm[F]): void
  leave(field: FieldName): void
}

export const FormContext = createContext<FormValue | null>(null)

function useForm(): FormValue {
  const value = useContext(FormContext)
  if (value === null) throw new TypeError('a field stands in a form')
  return value
}

type Switches = 'admin' | 'wifiHidden'
type TextFieldName = Exclude<FieldName, Switches>

interface FormFieldProps {
  name: TextFieldName
  type?: 'text' | 'password'
  mono?: boolean
  lines?: number
  offers?: readonly string[]
}

export function FormField({ name, ...rest }: FormFieldProps) {
  const { form, errorOf, set, leave } = useForm()
  const hints: Partial<Record<TextFieldName, string>> = t.customise.hints
  const hint = hints[name]
  return (
    <Field
      label={t.customise.fields[name]}
      {...(hint !== undefined && { hint })}
      value={form[name]}
      onChange={(value) => set(name, value)}
      onBlur={() => leave(name)}
      error={errorOf(name)}
      {...rest}
    />
  )
}

export function FormSwitch({ name }: { name: Switches }) {
  const { form, set } = useForm()
  const { label, text } = t.customise.switches[name]
  return <Option name={label} text={text} on={form[name]} onChange={(on) => set(name, on)} />
}
