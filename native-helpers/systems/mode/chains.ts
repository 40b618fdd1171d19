import type { Module } from './module.ts'
import { chainKey, type ModuleName, nameOf } from './module-name.ts'

/** How modules stand on each other, by their names alone. */
export interface Chains {
  parentOf(module: Module): Module | null
  /** From the base to the module itself; what is missing in between is left out. */
  chainOf(module: Module): Module[]
  /** Those on which no other stands. */
  tops: Module[]
  /** Several with one name, each group once. */
  twins: Module[][]
}

export function chainsOf(modules: readonly Module[]): Chains {
  const byKey = Map.groupBy(modules, ({ name }) => chainKey(name.levels, name.architecture))
  const at = (levels: readonly string[], architecture: string | null): Module | null =>
    byKey.get(chainKey(levels, architecture))?.[0] ?? null
  const parentOf = ({ name }: Module): Module | null => {
    if (name.levels.length < 2) return null
    const below = name.levels.slice(0, -1)
    // A name without an architecture fits any.
    return at(below, name.architecture) ?? (name.architecture === null ? null : at(below, null))
  }
  const chainOf = (module: Module): Module[] => {
    const { levels, architecture } = module.name
    return levels.flatMap((_, index) => {
      const below = levels.slice(0, index + 1)
      const found = index === levels.length - 1 ? module : (at(below, architecture) ?? at(below, null))
      return found ? [found] : []
    })
  }
  const parents = new Set(modules.map(parentOf))
  return {
    parentOf,
    chainOf,
    tops: modules.filter((module) => !parents.has(module)),
    twins: [...byKey.values()].filter((group) => group.length > 1),
  }
}

/**
 * The name that a module seems to be meant to have: the same levels in the order in which others have all but one of them. The README of the project itself
 * has such a name, base-lightx-console-essential. Null where there is no such order.
 */
export function reordered(module: Module, modules: readonly Module[]): string | null {
  const { levels } = module.name
  const fitting = modules
    .filter(
      ({ name }) =>
        name !== module.name && name.levels.length === levels.length - 1 && name.architecture === module.name.architecture,
    )
    .filter(({ name }) => name.levels.every((level) => levels.includes(level)))
    .map(({ name }) => [...name.levels, ...levels.filter((level) => !name.levels.includes(level))])
  const [order] = fitting
  if (!order || order.length !== levels.length) return null
  const meant: ModuleName = { ...module.name, levels: order }
  return nameOf(meant) === nameOf(module.name) ? null : nameOf(meant)
}
