import type { Finding } from '../../contract-report.ts'
import { found } from '../finding.ts'
import { type Chains, reordered } from './chains.ts'
import { modeFindings } from './findings.ts'
import type { Module } from './module.ts'
import type { ModuleList, Store } from './store.ts'

/** Files on FAT have 32 bits for their length; a copy that meets the limit stops there or a block before. */
const fatLimitBytes = 2 ** 32 - 1
const nearLimitBytes = 1024 * 1024

/** Names that live-boot takes a medium by (live-boot, 9990-misc-helpers.sh, is_live_path). */
const recognised = /\.(squashfs|ext2|ext3|ext4|xfs|dir|jffs)$/i

type Say = (id: keyof typeof modeFindings, detail: string) => void

export function healthOf(store: Store, modules: readonly Module[], chains: Chains): Finding[] {
  const findings: Finding[] = []
  const say: Say = (id, detail) => {
    findings.push(found(modeFindings, id, detail, store.partition))
  }
  for (const module of modules) judgeModule(module, modules, chains, say)
  for (const group of chains.twins) say('mode-twice', `${group.map(({ file }) => file).join(' and ')} are the same module.`)
  for (const list of store.lists) judgeList(list, store, modules, chains, say)
  if (store.lists.length > 0) {
    const listed = new Set(store.lists.flatMap(({ entries }) => entries.map((entry) => entry.toLowerCase())))
    const unlisted = modules.filter(({ file }) => !listed.has(file.toLowerCase())).map(({ file }) => file)
    if (unlisted.length > 0) say('mode-list-unlisted', `On no list: ${unlisted.join(', ')}.`)
  }
  const isMedium = store.partition !== null || store.folder === 'live' || store.lists.length > 0
  if (isMedium && !store.names.some((name) => recognised.test(name))) {
    say('mode-not-recognised', `All ${modules.length} images end in ${modules[0]?.name.suffix ?? 'other names'}.`)
  }
  return findings
}

function judgeModule(module: Module, modules: readonly Module[], chains: Chains, say: Say): void {
  const { file, name, problem } = module
  if (problem) judgeDamage(module, problem.code, problem.detail, say)
  if (module.aufsMarkCount > 0) {
    const more = module.aufsMarkCount > module.aufsMarks.length ? ', …' : ''
    say('mode-aufs-marks', `${file}: ${module.aufsMarkCount}, as ${module.aufsMarks.toSorted().join(', ')}${more}.`)
  }
  const parent = chains.parentOf(module)
  const chain = chains.chainOf(module)
  const expected = name.architecture ?? chain.find(({ architecture }) => architecture !== null)?.architecture ?? null
  if (module.architecture !== null && expected !== null && module.architecture !== expected) {
    say('mode-architecture', `${file} holds libraries for ${module.architecture} instead of ${expected}.`)
  }
  if (name.levels.length < 2) return
  if (!parent) {
    const meant = reordered(module, modules)
    const below = name.levels.slice(0, -1)
    const others = modules.filter((other) => other.name.levels.join('-') === below.join('-')).map(({ file: other }) => other)
    if (meant) say('mode-order', `${file} seems to be meant as ${meant}.`)
    else {
      const wanted = `${below.join('-')}${name.architecture ? ` for ${name.architecture}` : ''}`
      const above = modules
        .filter((other) => other !== module && chains.chainOf(other).includes(module))
        .map(({ file: other }) => other)
      const there = others.length > 0 ? `; there is ${others.join(' and ')}` : ''
      say(
        'mode-parent-missing',
        `${file} stands on ${wanted}, which is not there${there}.${above.length > 0 ? ` On it stand ${above.join(', ')}.` : ''}`,
      )
    }
  } else if (module.madeSeconds !== null && parent.madeSeconds !== null && module.madeSeconds < parent.madeSeconds) {
    say(
      'mode-older-than-parent',
      `${file} is of ${dateText(module.madeSeconds)}, ${parent.file} of ${dateText(parent.madeSeconds)}.`,
    )
  }
}

function judgeDamage({ file, sizeBytes }: Module, code: string, detail: string, say: Say): void {
  if (code !== 'squashfs-truncated') {
    say('mode-module-unreadable', `${file}: ${detail}.`)
    return
  }
  const isAtLimit = sizeBytes <= fatLimitBytes + 1 && sizeBytes > fatLimitBytes - nearLimitBytes
  say(isAtLimit ? 'mode-fat-limit' : 'mode-module-truncated', `${file}: ${detail}.`)
}

function judgeList({ file, entries }: ModuleList, store: Store, modules: readonly Module[], chains: Chains, say: Say): void {
  const names = new Set(store.names.map((name) => name.toLowerCase()))
  const byFile = new Map(modules.map((module) => [module.file.toLowerCase(), module]))
  const places = new Map<Module, number>()
  const missing: string[] = []
  for (const [place, entry] of entries.entries()) {
    const module = byFile.get(entry.toLowerCase())
    if (module) places.set(module, place)
    else if (!names.has(entry.toLowerCase())) missing.push(entry)
  }
  if (missing.length > 0) say('mode-list-missing-file', `${file} names ${missing.join(' and ')}.`)
  for (const [module, place] of places) {
    const parent = chains.parentOf(module)
    if (!parent) continue
    const below = places.get(parent)
    if (below === undefined) say('mode-list-incomplete', `${file} names ${module.file}, but not ${parent.file} that it stands on.`)
    else if (below > place) say('mode-list-order', `${file} names ${module.file} before ${parent.file} that it stands on.`)
  }
}

function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')
}
