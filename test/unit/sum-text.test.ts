import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { parseSums as parseFile } from '../../native-helpers/imaging/sum-text.ts'
import { scratchFolder } from '../support/packed-images.ts'

const sha = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const md5 = 'd41d8cd98f00b204e9800998ecf8427e'
const parseSums = (text: string) => parseFile(Buffer.from(text))

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

test('what Windows, old editors and people make of such a file is understood', () => {
  const card = [{ algorithm: 'sha256', value: sha, name: 'card.img' }]
  assert.deepEqual(parseSums(`\ufeff${sha}  card.img\r\n`), card, 'a byte order mark')
  assert.deepEqual(parseFile(Buffer.from(`\ufeff${sha}  card.img\r\n`, 'utf16le')), card, 'UTF-16')
  assert.deepEqual(parseFile(Buffer.from(`\ufeff${sha} *card.img\r\n`, 'utf16le').swap16()), card, 'UTF-16, high byte first')
  assert.deepEqual(parseSums(`# sums\r${sha}  card.img\r`), card, 'carriage returns alone')
  assert.deepEqual(parseSums(`${sha} card.img\n`), card, 'one space')
  assert.deepEqual(parseSums(`${sha}\t*card.img\n`), card, 'a tab')
  assert.deepEqual(parseSums(`${sha}   spaced.img\n`), [{ algorithm: 'sha256', value: sha, name: ' spaced.img' }])
  const head =
    '\r\nAlgorithm       Hash                                Path\r\n---------       ----                                ----\r\n'
  assert.deepEqual(parseSums(`${head}SHA256          ${sha.toUpperCase()}       C:\\Users\\me\\card.img\r\n`), card, 'Get-FileHash')
  const certutil = `SHA256 hash of card.img:\r\n${sha}\r\nCertUtil: -hashfile command completed successfully.\r\n`
  assert.deepEqual(parseSums(certutil), [{ algorithm: 'sha256', value: sha, name: null }], 'certutil')
})

test('signatures, comments, web pages and sums of other kinds are left out', () => {
  const text = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n# comment\nSHA1 (a) = ${'1'.repeat(40)}\nSHA256 (a) = ${md5}\n${sha.slice(1)}  a\n<html>${sha}</html>`
  assert.deepEqual(parseSums(text), [])
})
