// What the development runtime runs when it is started as `electron [-r MODULE]… FOLDER`: it becomes the app in that folder, as Electron's own default app does.
const { readFileSync } = require('node:fs')
const Module = require('node:module')
const { join, resolve } = require('node:path')
const { app } = require('electron')

function readArguments(words) {
  const preloads = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at]
    if (word === '-r' || word === '--require') preloads.push(words[++at])
    else if (!word.startsWith('-')) return { preloads, folder: resolve(word) }
  }
  return { preloads, folder: null }
}

const { preloads, folder } = readArguments(process.argv.slice(1))
// Before the app: Playwright's loader is such a module, and it takes its own words off the command line.
Module._preloadModules(preloads)
if (folder === null) {
  process.stderr.write('usage: electron [-r MODULE]… FOLDER\n')
  app.exit(2)
} else {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  app.setName(manifest.productName ?? manifest.name)
  app.setVersion(manifest.version)
  app.setAppPath(folder)
  Module._load(join(folder, manifest.main ?? 'index.js'), Module, true)
}
