/** The question that the app begins with, and the ways to answer it. */
import type { ComponentType, ReactNode } from 'react'
import { DropBox } from '../../components/drop-box.tsx'
import { CompareIcon, LookIcon, WriteIcon } from '../../components/icons.tsx'
import { Link } from '../../components/link.tsx'
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import type { Route } from '../../state/route.ts'

export function HomeScreen() {
  return (
    <Screen title={t.home.title} sub={t.home.sub} isStart>
      <ul className="tiles">
        <Tile to={{ screen: 'flash', mode: 'write' }} Icon={WriteIcon} name={t.home.write} text={t.home.writeText} />
        <Tile to={{ screen: 'flash', mode: 'check' }} Icon={CompareIcon} name={t.home.check} text={t.home.checkText} />
        <Tile to={{ screen: 'drives' }} Icon={LookIcon} name={t.home.look} text={t.home.lookText} />
      </ul>
      <DropBox />
      <Practice />
    </Screen>
  )
}

interface TileProps {
  to: Route
  Icon: ComponentType<{ size?: number }>
  name: string
  text: ReactNode
}

function Tile({ to, Icon, name, text }: TileProps) {
  return (
    <li>
      <Link to={to} className="tile">
        <Icon size={30} />
        <strong>{name}</strong>
        <span>{text}</span>
      </Link>
    </li>
  )
}

function Practice() {
  return (
    <section className="sheet practice">
      <div className="grow">
        <h2>{t.home.newHere}</h2>
        <p className="soft">{t.home.newHereText}</p>
      </div>
      <Link to={{ screen: 'practice' }} className="button button-plain">
        {t.home.practise}
      </Link>
    </section>
  )
}
