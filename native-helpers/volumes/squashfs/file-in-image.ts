import { type DeviceSpec, type OpenedDevice, openDevice as openSpec } from '../../block/spec.ts'
import { damaged } from './errors.ts'
import { openSquashfs, type SquashfsOptions } from './squashfs.ts'

export interface FileInImage extends SquashfsOptions {
  image: DeviceSpec
  /** "LiveOS/rootfs.img" */
  path: string
}

/** A file in an image as a device for another thread, described by plain data. Bundled, this module is an entry of its own beside the bundle, under the same name. */
export function fileInImage(options: FileInImage): DeviceSpec {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return { kind: 'module', url: new URL(`./file-in-image.${extension}`, import.meta.url).href, options }
}

/** For block/spec.ts, which imports this module by its address. */
export async function openDevice(options: FileInImage): Promise<OpenedDevice> {
  const image = await openSpec(options.image)
  try {
    const squashfs = await openSquashfs(image.device, options)
    const file = squashfs.lookup(options.path)
    if (file?.type !== 'file') throw damaged(`it has no file ${options.path}`)
    return { device: squashfs.fileDevice(file), close: () => image.close() }
  } catch (thrown) {
    image.close()
    throw thrown
  }
}
