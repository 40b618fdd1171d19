import { t } from '../../i18n/index.ts'
import { FormField, FormSwitch } from './form-field.tsx'
import { Section } from './section.tsx'

/** How the computer is called, and how it is reached. */
export function NetworkSections() {
  const { name, wifi, network } = t.customise.sections
  return (
    <>
      <Section title={name.title} text={name.text}>
        <FormField name="hostname" />
      </Section>
      <Section title={wifi.title} text={wifi.text}>
        <FormField name="wifiName" />
        <FormField name="wifiPassword" type="password" />
        <FormField name="wifiCountry" />
        <div className="settings-wide">
          <FormSwitch name="wifiHidden" />
        </div>
      </Section>
      <Section title={network.title} text={network.text}>
        <FormField name="addresses" />
        <FormField name="gateways" />
        <FormField name="dns" />
        <FormField name="device" />
      </Section>
    </>
  )
}
