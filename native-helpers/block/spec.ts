import type { BlockDevice } from './device.ts'
import { openFileDevice } from './file-device.ts'
import { slice } from './slice.ts'

/**
 * A device described by plain data, so that another thread can open it for itself: a device's methods cannot be sent there, and a synchronous device cannot be asked across threads.
 * Compositions are described by what they are made of. A new kind of device is a line here and in `openDevice`; `module` is for what does not belong in this room.
 */
export type DeviceSpec = FileSpec | SliceSpec | ModuleSpec

export interface FileSpec {
  kind: 'file'
  path?: string
  /** Open in this process for as long as the other thread uses it. */
  fd?: number
  writable: boolean
  sizeBytes?: number
  sectorSize?: number
  direct?: boolean
  label?: string
}

export interface SliceSpec {
  kind: 'slice'
  of: DeviceSpec
  offset: number
  sizeBytes: number
}

/** A module of this program that exports `openDevice(options): OpenedDevice | Promise<OpenedDevice>`. */
export interface ModuleSpec {
  kind: 'module'
  url: string
  options: unknown
}

export interface OpenedDevice {
  device: BlockDevice
  close(): void
  /** What the thread hands back at the end (sent by structured clone): what a staged device has gathered, for one. */
  outcome?(): unknown
}

export async function openDevice(spec: DeviceSpec): Promise<OpenedDevice> {
  switch (spec.kind) {
    case 'file': {
      const device = openFileDevice(spec)
      return { device, close: () => device.close() }
    }
    case 'slice': {
      const whole = await openDevice(spec.of)
      try {
        return { ...whole, device: slice(whole.device, spec.offset, spec.sizeBytes) }
      } catch (thrown) {
        whole.close()
        throw thrown
      }
    }
    case 'module': {
      const { openDevice: open } = (await import(spec.url)) as {
        openDevice(options: unknown): OpenedDevice | Promise<OpenedDevice>
      }
      return open(spec.options)
    }
  }
}
