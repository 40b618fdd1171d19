import './styles/tokens.css'
import './styles/base.css'
import './styles/frame.css'
import './styles/controls.css'
import './styles/parts.css'
import './styles/pictures.css'
import './styles/home.css'
import './styles/card.css'
import './styles/card-pictures.css'
import './styles/drives.css'
import './styles/flash.css'
import './styles/job.css'
import './styles/change.css'
import './styles/grow.css'
import './styles/tree.css'
import './styles/dialogs.css'
import './styles/forced-colors.css'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { acceptDrops } from './components/opening.ts'
import { language } from './i18n/index.ts'
import { followAddress } from './state/route.ts'
import { startSession } from './state/session.ts'
import { followTheme } from './state/settings.ts'

document.documentElement.lang = language
followTheme()
followAddress()
acceptDrops()
void startSession()

const place = document.getElementById('app')
if (place) createRoot(place).render(<App />)
