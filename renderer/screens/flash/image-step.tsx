/** The image: from a file, a web address or a drop; then what is known of it. */
import { useState } from 'react'
import { Label } from 'react-aria-components/Label'
import { Radio, RadioGroup } from 'react-aria-components/RadioGroup'
import { Button } from '../../components/button.tsx'
import { Field } from '../../components/field.tsx'
import { ErrorFinding } from '../../components/finding.tsx'
import { ImageIcon } from '../../components/icons.tsx'
import { chooseImage, openImage } from '../../components/opening.ts'
import { format, t } from '../../i18n/index.ts'
import { currentImage, fileName, isAddress, needsMember, type OpenedImage, useImages } from '../../state/image.ts'
import type { FlashMode } from '../../state/route.ts'
import { ImageFactsList } from './image-facts.tsx'

export function ImageStep({ mode }: { mode: FlashMode }) {
  const images = useImages()
  const image = currentImage(images)
  if (!image) return <ChooseImage recent={images.opened} />
  return (
    <div className="image">
      <div className="image-head">
        <ImageIcon size={34} />
        <div className="image-name">
          <strong>{fileName(image.location)}</strong>
          <span className="soft image-place" title={image.location}>
            {image.location}
          </span>
        </div>
        <Button onPress={images.putAside}>{t.flash.another}</Button>
      </div>
      <ImageBody image={image} mode={mode} />
    </div>
  )
}

function ImageBody({ image, mode }: { image: OpenedImage; mode: FlashMode }) {
  const open = useImages((state) => state.open)
  if (image.state === 'failed' && image.error) {
    return <ErrorFinding error={image.error} action={<Button onPress={() => open(image.location)}>{t.result.retry}</Button>} />
  }
  return (
    <>
      {image.members.length > 1 ? <Members image={image} /> : null}
      {image.state === 'looking' ? (
        <p className="soft looking" role="status">
          {t.flash.looking(fileName(image.location))}
        </p>
      ) : null}
      {image.state === 'known' && image.facts ? (
        <ImageFactsList facts={image.facts} mode={mode} undecided={needsMember(image)} />
      ) : null}
    </>
  )
}

function Members({ image }: { image: OpenedImage }) {
  const chooseMember = useImages((state) => state.chooseMember)
  return (
    <RadioGroup className="choices" value={image.member} onChange={(member) => chooseMember(image.location, member)}>
      <Label>{t.flash.members}</Label>
      {image.members.map((member) => (
        <Radio key={member.name} value={member.name} className="choice">
          <span className="choice-sign" aria-hidden="true" />
          <span className="choice-name">{member.name}</span>
          <small title={format.exact(member.sizeBytes)}>{format.size(member.sizeBytes)}</small>
        </Radio>
      ))}
    </RadioGroup>
  )
}

function ChooseImage({ recent }: { recent: readonly OpenedImage[] }) {
  return (
    <div className="stack">
      <div className="drop drop-large">
        <p>
          <b>{t.flash.dropTitle}</b>
        </p>
        <p className="soft">{t.flash.dropKinds}</p>
        <Button look="primary" onPress={chooseImage}>
          {t.flash.open}
        </Button>
      </div>
      <AddressForm />
      {recent.length > 0 ? <Recent images={recent} /> : null}
    </div>
  )
}

function AddressForm() {
  const [address, setAddress] = useState('')
  const [tried, setTried] = useState(false)
  const look = () => {
    if (isAddress(address)) openImage(address.trim())
    else setTried(true)
  }
  return (
    <form
      className="address"
      onSubmit={(event) => {
        event.preventDefault()
        look()
      }}
    >
      <Field
        label={t.flash.address}
        hint={t.flash.addressHint}
        value={address}
        onChange={setAddress}
        error={tried && !isAddress(address) ? t.flash.addressBad : null}
        type="url"
      />
      <Button type="submit">{t.flash.addressGo}</Button>
    </form>
  )
}

function Recent({ images }: { images: readonly OpenedImage[] }) {
  return (
    <div className="recent">
      <h3>{t.flash.recent}</h3>
      <ul>
        {images.map((image) => (
          <li key={image.location}>
            <Button onPress={() => openImage(image.location)}>
              <ImageIcon size={18} />
              <span className="recent-name">{fileName(image.location)}</span>
            </Button>
          </li>
        ))}
      </ul>
    </div>
  )
}
