import { t } from '../../i18n/index.ts'
import { FormField } from './form-field.tsx'
import { Section } from './section.tsx'

/** As this computer knows them; the one on the card may know fewer, which the plan says. */
const timezones = Intl.supportedValuesOf('timeZone')

/** What language it speaks, where it stands, and what it does first. */
export function SystemSections() {
  const { region, first } = t.customise.sections
  return (
    <>
      <Section title={region.title} text={region.text}>
        <FormField name="locale" />
        <FormField name="timezone" offers={timezones} />
        <FormField name="layout" />
        <FormField name="variant" />
      </Section>
      <Section title={first.title} text={first.text}>
        <div className="settings-wide">
          <FormField name="firstBoot" lines={5} mono />
        </div>
      </Section>
    </>
  )
}
