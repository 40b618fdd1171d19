#!/usr/bin/env node
// Each target has several writes in flight, and libuv's four threads would make them wait for each other. It reads the number when its first
// thread starts, so it is set before anything else is loaded.
process.env.UV_THREADPOOL_SIZE ??= '16'

const { runCommand } = await import('./command.ts')
const exitCode = await runCommand(process.argv.slice(2))
process.exitCode = exitCode
// Everything is closed by now. Should something still hold the process, the answer does not wait for it.
setTimeout(() => process.exit(exitCode), 2000).unref()
