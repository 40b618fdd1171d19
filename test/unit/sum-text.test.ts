import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { parseSums } from '../../native-helpers/imaging/sum-text.ts'
import { scratchFolder } from '../support/packed-images.ts'

const sha = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const md5 = 'd41d8cd98f00b204e9800998ecf8427e'

test('what the checksum tools write is understood, whatever the name', (t) => {
  const folder = scratchFolder(t)
  const names = ['card.img', 'with space (1).img', 'back\\slash.img', 'new\nline.img']
  for (const name of names) fs.writeFileSync(path.join(folder, name), '')
  const run = (tool: string, ...args: string[]) => execFileSync(tool, [...args, ...names], { cwd: folder, encoding: 'utf8' })
  const found = (text: string) => parseSums(text).map(({ algorithm, value }) => `${algorithm} ${value}`)
  for (const args of [[], ['--binary']]) {
    const sums = parseSums(run('sha256sum', ...args))
    assert.deepEqual(
      sums.map((sum) => sum.name),
      ['card.img', 'with space (1).img', 'slash.img', 'new\nline.img'],
    )
    assert.ok(sums.every(({ algorithm, value }) => algorithm === 'sha256' && value === sha))
  }
  assert.deepEqual(
    found(run('md5sum')),
    names.map(() => `md5 ${md5}`),
  )
  assert.deepEqual(parseSums(execFileSync('sha256sum', ['--tag', 'card.img'], { cwd: folder, encoding: 'utf8' })), [
    { algorithm: 'sha256', value: sha, name: 'card.img' },
  ])
  assert.deepEqual(parseSums(execFileSync('openssl', ['dgst', '-md5', 'card.img'], { cwd: folder, encoding: 'utf8' })), [
    { algorithm: 'md5', value: md5, name: 'card.img' },
  ])
})

test('a bare sum, capital letters and folders in names are understood', () => {
  assert.deepEqual(parseSums(sha.toUpperCase()), [{ algorithm: 'sha256', value: sha, name: null }])
  assert.deepEqual(parseSums(`${md5}  ./images/card.img\r\n`), [{ algorithm: 'md5', value: md5, name: 'card.img' }])
})

test('signatures, comments, web pages and sums of other kinds are left out', () => {
  const text = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n# comment\nSHA1 (a) = ${'1'.repeat(40)}\nSHA256 (a) = ${md5}\n${sha.slice(1)}  a\n<html>${sha}</html>`
  assert.deepEqual(parseSums(text), [])
})
