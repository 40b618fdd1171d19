/** Settings of a system before it starts: passwords, a user, names, networks, language, and a script. What is left empty stays as it is. */
import { useRef, useState } from 'react'
import { cardSettings } from '../../../native-helpers/contract.ts'
import { Finding } from '../../components/finding.tsx'
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import { usePlanning, wishOf } from '../../state/planning.ts'
import {
  emptyForm,
  type FormField,
  formOfSettings,
  problemsOfForm,
  type SettingsForm,
  settingsOfForm,
} from '../../state/settings-form.ts'
import { useCardName } from '../change/change-words.ts'
import { WishEnd } from '../change/wish-end.tsx'
import { AccountSections } from './account-sections.tsx'
import { FormContext } from './form-field.tsx'
import { NetworkSections } from './network-sections.tsx'
import { SystemSections } from './system-sections.tsx'

/** Of the plan that was made before, where one goes back to change something. */
function formBefore(path: string): SettingsForm {
  const said = wishOf('customise', path)?.settings
  return said === undefined ? emptyForm : formOfSettings(cardSettings.parse(JSON.parse(said)))
}

export function CustomiseScreen({ path }: { path: string }) {
  const [form, setForm] = useState(() => formBefore(path))
  /** Whose problems are told: nobody is told of a mistake in a word that is still being written. */
  const [left, setLeft] = useState<ReadonlySet<FormField>>(new Set())
  const [asked, setAsked] = useState<'not' | 'wrong' | 'nothing'>('not')
  const fields = useRef<HTMLDivElement>(null)
  const name = useCardName(path)

  const problems = problemsOfForm(form)
  const isWrong = Object.keys(problems).length > 0
  const plan = () => {
    const settings = settingsOfForm(form)
    if (isWrong) {
      setLeft(new Set(Object.keys(emptyForm) as FormField[]))
      setAsked('wrong')
      // After the fields know that they are wrong.
      requestAnimationFrame(() => fields.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    } else if (Object.keys(settings).length === 0) setAsked('nothing')
    else usePlanning.getState().wish('customise', path, { settings: JSON.stringify(settings) })
  }
  const context = {
    form,
    errorOf: (field: FormField) => (left.has(field) && problems[field] ? t.customise.problems[problems[field]] : null),
    set: <F extends FormField>(field: F, value: SettingsForm[F]) => {
      setForm((old) => ({ ...old, [field]: value }))
      setAsked('not')
    },
    leave: (field: FormField) => setLeft((old) => new Set([...old, field])),
  }
  return (
    <Screen title={t.change.jobs.customise.title(name)} sub={t.customise.sub}>
      <FormContext value={context}>
        <div className="settings-sheets" ref={fields}>
          <AccountSections />
          <NetworkSections />
          <SystemSections />
        </div>
      </FormContext>
      <div role="status">
        {asked === 'nothing' ? (
          <Finding kind="plain" title={t.customise.nothing}>
            <p>{t.customise.nothingText}</p>
          </Finding>
        ) : asked === 'wrong' && isWrong ? (
          <Finding kind="warn" title={t.customise.wrong(Object.keys(problems).length)}>
            <p>{t.customise.wrongText}</p>
          </Finding>
        ) : null}
      </div>
      <WishEnd path={path} onPlan={plan} />
    </Screen>
  )
}
