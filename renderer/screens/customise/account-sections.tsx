import { t } from '../../i18n/index.ts'
import { FormField, FormSwitch } from './form-field.tsx'
import { Section } from './section.tsx'

/** Who may log in. */
export function AccountSections() {
  const { root, user } = t.customise.sections
  return (
    <>
      <Section title={root.title} text={root.text}>
        <FormField name="rootPassword" type="password" />
        <FormField name="rootPasswordAgain" type="password" />
        <div className="settings-wide">
          <FormField name="rootKeys" lines={2} mono />
        </div>
      </Section>
      <Section title={user.title} text={user.text}>
        <FormField name="userName" />
        <FormField name="fullName" />
        <FormField name="userPassword" type="password" />
        <FormField name="userPasswordAgain" type="password" />
        <div className="settings-wide">
          <FormField name="userKeys" lines={2} mono />
          <FormSwitch name="admin" />
        </div>
      </Section>
    </>
  )
}
