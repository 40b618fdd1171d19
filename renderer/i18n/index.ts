/** The language of the user, chosen once when the app starts. */
import { de } from './de.ts'
import { type Catalogue, en } from './en.ts'
import { createFormat, type Format } from './format.ts'

const catalogues: Record<string, Catalogue> = { en, de }

export function chooseLanguage(wanted: readonly string[]): { language: string; locale: string; catalogue: Catalogue } {
  for (const locale of wanted) {
    const language = locale.split('-')[0] ?? ''
    const catalogue = catalogues[language]
    if (catalogue) return { language, locale, catalogue }
  }
  return { language: 'en', locale: 'en-GB', catalogue: en }
}

const chosen = chooseLanguage(navigator.languages ?? [navigator.language])

export const language: string = chosen.language
export const t: Catalogue = chosen.catalogue
export const format: Format = createFormat(chosen.locale, t.units)
