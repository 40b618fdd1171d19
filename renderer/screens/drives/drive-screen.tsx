/** One drive: what it is, whether it may be written, what is on it. */
import type { Drive } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Finding } from '../../components/finding.tsx'
import { PartitionMap } from '../../components/partition-map.tsx'
import { Refusals } from '../../components/refusals.tsx'
import { Screen } from '../../components/screen.tsx'
import { Size } from '../../components/size.tsx'
import { format, t } from '../../i18n/index.ts'
import { isOneVolume, refusalsOf, useDrives } from '../../state/drives.ts'
import { go } from '../../state/route.ts'
import { useSettings } from '../../state/settings.ts'

export function DriveScreen({ path }: { path: string }) {
  const drive = useDrives((state) => state.drives.find((one) => one.identity.path === path))
  const showVirtual = useSettings((state) => state.showVirtual)
  if (!drive) {
    return (
      <Screen title={t.drives.gone} sub={<code>{path}</code>}>
        <p className="soft">{t.drives.goneText}</p>
      </Screen>
    )
  }
  const refusals = refusalsOf(drive, showVirtual)
  return (
    <Screen title={drive.name} sub={<DriveSub drive={drive} />} actions={<Actions writable={refusals.length === 0} />}>
      {refusals.length > 0 ? (
        <Finding kind="warn" title={t.drives.mayNot}>
          <Refusals refusals={refusals} />
        </Finding>
      ) : null}
      <PartitionMap drive={drive} />
      <Volumes drive={drive} />
      <Details drive={drive} />
    </Screen>
  )
}

function DriveSub({ drive }: { drive: Drive }) {
  return (
    <>
      {t.pictures[drive.picture]} · <code>{drive.identity.path}</code> · {t.drives.readOnlyLook}
    </>
  )
}

/** They lead to the choice of an image; the drive is not chosen there either until the user does it. */
function Actions({ writable }: { writable: boolean }) {
  return (
    <>
      <Button onPress={() => go({ screen: 'flash', mode: 'check' })}>{t.drives.checkImage}</Button>
      {writable ? <Button onPress={() => go({ screen: 'flash', mode: 'write' })}>{t.drives.writeImage}</Button> : null}
    </>
  )
}

function Volumes({ drive }: { drive: Drive }) {
  const { identity, whole: onWhole } = drive
  const whole = isOneVolume(drive) ? [{ path: identity.path, sizeBytes: identity.sizeBytes, ...onWhole }] : []
  const volumes = [...whole, ...drive.partitions]
  if (volumes.length === 0) return null
  return (
    <section className="sheet">
      <table className="volumes">
        <thead>
          <tr>
            <th scope="col">{t.drives.volume}</th>
            <th scope="col">{t.drives.fileSystem}</th>
            <th scope="col">{t.drives.size}</th>
            <th scope="col">{t.drives.inUse}</th>
          </tr>
        </thead>
        <tbody>
          {volumes.map((volume) => (
            <tr key={volume.path}>
              <th scope="row">
                {volume.label || t.drives.unnamed} <code className="volume-path">{volume.path}</code>
              </th>
              <td data-name={t.drives.fileSystem}>{volume.fs ?? t.drives.unknown}</td>
              <td data-name={t.drives.size}>
                <Size bytes={volume.sizeBytes} />
              </td>
              <td data-name={t.drives.inUse}>
                {volume.mounts.length > 0 ? <code>{volume.mounts.join(', ')}</code> : t.drives.notInUse}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Details({ drive }: { drive: Drive }) {
  return (
    <section className="sheet">
      <h2>{t.drives.details}</h2>
      <dl className="rows">
        <Row name={t.drives.path} value={<code>{drive.identity.path}</code>} />
        <Row name={t.drives.serial} value={drive.identity.serial ? <code>{drive.identity.serial}</code> : t.drives.noSerial} />
        <Row name={t.drives.bus} value={drive.bus} />
        <Row name={t.drives.exactSize} value={format.exact(drive.identity.sizeBytes)} />
        <Row name={t.drives.sector} value={format.exact(drive.sectorSize)} />
      </dl>
    </section>
  )
}

function Row({ name, value }: { name: string; value: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
