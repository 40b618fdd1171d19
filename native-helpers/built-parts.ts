import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Where a part lies that was compiled at set-up, the best place first: among the resources of a packaged app (`inPackage`), then below the checkout that
 * this program is part of (`inCheckout`). Not all of these folders exist.
 */
export function partFolders(inPackage: string, inCheckout: string): string[] {
  const folders: string[] = []
  if ('resourcesPath' in process && typeof process.resourcesPath === 'string') folders.push(join(process.resourcesPath, inPackage))
  const here = dirname(fileURLToPath(import.meta.url))
  // A packaged helper that plain Node runs is not told where the resources are; it lies three folders below them.
  if (here.endsWith(join('app.asar.unpacked', 'dist', 'helper'))) folders.push(join(here, '..', '..', '..', inPackage))
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) folders.push(join(folder, inCheckout))
  return folders
}
