import { type DeviceSpec, type OpenedDevice, openDevice as openSpec } from '../../block/spec.ts'
import { damaged } from './errors.ts'
import { openSquashfs, type SquashfsOptions } from './squashfs.ts'

export interface FileInImage extends SquashfsOptions {
  image: DeviceSpec
  /** "LiveOS/rootfs.img" */
  path: string
}

/** A file in an image as a device for another thread, described by plain data. */
export function fileInImage(options: FileInImage): DeviceSpec {
  return { kind: 'module', url: import.meta.url, options }
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
