/** Eight drives with two requests each; beyond that they wait for one another a little. */
const threads = 16

/**
 * Node carries out file operations on libuv's pool of four threads: with four hanging drives, nothing in the process could open a file any more.
 * libuv reads the variable when the first operation is queued, and Node loads modules without the pool, so setting it works from within the process as long
 * as it happens before anything reads or writes a file in the background: `createJobRunner` calls this, and an entry point that does other things first calls
 * it before them. Where the process is started by us, its environment carries the variable anyway.
 */
export function ensureThreadPool(): void {
  process.env.UV_THREADPOOL_SIZE ??= String(threads)
}
