/** Image → drive → write: three decisions on one page. The comparison asks the first two and writes nothing. */
import { Button } from '../../components/button.tsx'
import { ErrorFinding } from '../../components/finding.tsx'
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import { useDrives } from '../../state/drives.ts'
import { requestOf, useFlash } from '../../state/flash.ts'
import { currentImage, useImages } from '../../state/image.ts'
import { type FlashMode, go } from '../../state/route.ts'
import { useSettings } from '../../state/settings.ts'
import { ImageStep } from './image-step.tsx'
import { Options } from './options.tsx'
import { Step } from './step.tsx'
import { TargetStep } from './target-step.tsx'

export function FlashScreen({ mode }: { mode: FlashMode }) {
  const choices = useFlash()
  const images = useImages()
  const drives = useDrives((state) => state.drives)
  const showVirtual = useSettings((state) => state.showVirtual)
  const asked = requestOf(choices, currentImage(images), drives, showVirtual, mode)
  const missing = 'missing' in asked ? asked.missing : null

  const goOn = async () => {
    if (!('request' in asked)) return
    if (mode === 'write') {
      if (await choices.makePlan(asked.request)) go({ screen: 'plan' })
      return
    }
    const jobId = await choices.startCheck(asked.request)
    if (jobId !== null) go({ screen: 'job', id: jobId })
  }

  const imageDone = missing !== 'needImage' && missing !== 'needMember'
  return (
    <Screen title={mode === 'write' ? t.flash.title : t.flash.checkTitle} sub={mode === 'write' ? t.flash.sub : t.flash.checkSub}>
      <Step number={1} name={t.flash.stepImage} done={imageDone}>
        <ImageStep mode={mode} />
      </Step>
      <Step
        number={2}
        name={t.flash.stepDrive}
        hint={mode === 'write' ? t.flash.stepDriveMany : undefined}
        done={imageDone && missing === null}
      >
        <TargetStep mode={mode} />
      </Step>
      <Step number={3} name={mode === 'write' ? t.flash.stepWrite : t.flash.stepCheck} done={false}>
        {mode === 'write' ? <Options /> : null}
        {choices.error ? <ErrorFinding error={choices.error} /> : null}
        <div className="step-end">
          <p className="soft" id="what-next">
            {missing ? t.flash[missing] : mode === 'write' ? t.flash.planText : t.flash.checkSub}
          </p>
          <Button look="primary" onPress={goOn} isDisabled={missing !== null || choices.asking} aria-describedby="what-next">
            {choices.asking ? t.flash.planning : mode === 'write' ? t.flash.plan : t.flash.compare}
          </Button>
        </div>
      </Step>
    </Screen>
  )
}
