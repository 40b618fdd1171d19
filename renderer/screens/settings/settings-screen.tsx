import { Label } from 'react-aria-components/Label'
import { Radio, RadioGroup } from 'react-aria-components/RadioGroup'
import { Option } from '../../components/option.tsx'
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import { useConnection } from '../../state/connection.ts'
import { type Theme, useSettings } from '../../state/settings.ts'

const themes = ['auto', 'light', 'dark'] as const satisfies readonly Theme[]

export function SettingsScreen() {
  const { theme, setTheme, showVirtual, setShowVirtual } = useSettings()
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

function Row({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
