import { Option } from '../../components/option.tsx'
import { t } from '../../i18n/index.ts'
import { useFlash } from '../../state/flash.ts'

export function Options() {
  const { verify, skipUnused, setOption } = useFlash()
  return (
    <div className="options">
      <Option name={t.flash.verify} text={t.flash.verifyText} on={verify} onChange={(on) => setOption({ verify: on })} />
      <Option
        name={t.flash.skipUnused}
        text={t.flash.skipUnusedText}
        on={skipUnused}
        onChange={(on) => setOption({ skipUnused: on })}
      />
    </div>
  )
}
