import { Label } from 'react-aria-components/Label'
import { Radio, RadioGroup } from 'react-aria-components/RadioGroup'
import { Text } from 'react-aria-components/Text'
import { Option } from '../../components/option.tsx'
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import { useConnection } from '../../state/connection.ts'
import { type Language, type Theme, useSettings } from '../../state/settings.ts'

const themes = ['auto', 'light', 'dark'] as const satisfies readonly Theme[]
/** Each in itself: who looks for it reads it. */
const languages = [
  ['en', 'English'],
  ['de', 'Deutsch, nicht vollständig: Einzelheiten zu manchen Fehlern und Laufwerken sind englisch'],
] as const satisfies readonly [Language, string][]

export function SettingsScreen() {
  const { theme, setTheme, showVirtual, setShowVirtual, language } = useSettings()
  const connection = useConnection((state) => state.connection)
  return (
    <Screen title={t.settings.title} sub={t.settings.sub}>
      <section className="sheet">
        <RadioGroup className="choices" value={theme} onChange={(value) => setTheme(themes.find((one) => one === value) ?? 'auto')}>
          <Label>{t.settings.look}</Label>
          {themes.map((one) => (
            <Radio key={one} value={one} className="choice">
              <span className="choice-sign" aria-hidden="true" />
              <span className="choice-name">{t.settings.themes[one]}</span>
            </Radio>
          ))}
        </RadioGroup>
      </section>
      <section className="sheet">
        <RadioGroup className="choices" value={language} onChange={(value) => speak(value === 'de' ? 'de' : 'en')}>
          <Label>{t.settings.languages}</Label>
          <Text slot="description">{t.settings.languageText}</Text>
          {languages.map(([one, name]) => (
            <Radio key={one} value={one} className="choice" lang={one}>
              <span className="choice-sign" aria-hidden="true" />
              <span className="choice-name">{name}</span>
            </Radio>
          ))}
        </RadioGroup>
      </section>
      <section className="sheet">
        <Option name={t.settings.virtual} text={t.settings.virtualText} on={showVirtual} onChange={setShowVirtual} />
      </section>
      {connection.state === 'open' ? (
        <section className="sheet">
          <h2>{t.settings.about}</h2>
          <dl className="rows">
            <Row name={t.settings.version} value={connection.helper.version} />
            <Row name={t.settings.platform} value={`${connection.helper.platform} · ${connection.helper.runtime}`} />
            <Row name={t.settings.access} value={connection.helper.privileged ? t.settings.privileged : t.settings.asks} />
          </dl>
        </section>
      ) : null}
    </Screen>
  )
}

/** Every sentence changes: the page begins anew, where it is. */
function speak(language: Language) {
  if (language === useSettings.getState().language) return
  useSettings.getState().setLanguage(language)
  location.reload()
}

function Row({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
