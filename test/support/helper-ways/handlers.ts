import type { Handlers } from '../../../native-helpers/helper.ts'
import { fixedHandlers } from '../fixed-handlers.ts'

/** Known answers, and one question that ends the process in the middle. */
export function mortalHandlers(): Handlers {
  return { ...fixedHandlers(), 'images.probe': () => process.exit(7) }
}
