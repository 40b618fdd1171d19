import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSessions, tokenLifetimeMs } from '../../native-helpers/web/sessions.ts'

test('a token works once, until it expires', () => {
  let now = 1_000_000
  const sessions = createSessions(8080, () => now)
  assert.equal(sessions.redeem(''), null)
  const token = sessions.newToken()
  assert.equal(sessions.redeem(`${token}x`), null, 'a wrong try does not spend it')
  assert.ok(sessions.redeem(token))
  assert.equal(sessions.redeem(token), null)

  const late = sessions.newToken()
  now += tokenLifetimeMs
  assert.equal(sessions.redeem(late), null)
  now -= 1
  assert.equal(sessions.redeem(late), null, 'an expired token is spent by the try')

  const inTime = sessions.newToken()
  now += tokenLifetimeMs - 1
  assert.ok(sessions.redeem(inTime))
})

test('a session is found among other cookies, by its whole name and value', () => {
  const sessions = createSessions(8080)
  const secret = sessions.redeem(sessions.newToken()) ?? ''
  assert.ok(sessions.admits(`theme=dark; livecard-8080=${secret}`))
  assert.ok(sessions.admits(`livecard-8080=old; livecard-8080=${secret}`))
  for (const header of [undefined, '', `livecard-808=${secret}`, `xlivecard-8080=${secret}`, `livecard-8080=${secret.slice(1)}`]) {
    assert.equal(sessions.admits(header), false, header)
  }
  assert.equal(createSessions(8080).admits(`livecard-8080=${secret}`), false, 'another server’s session')
})

test('the oldest of very many sessions ends', () => {
  const sessions = createSessions(1)
  const secrets = Array.from({ length: 17 }, () => sessions.redeem(sessions.newToken()) ?? '')
  assert.equal(sessions.admits(`livecard-1=${secrets[0]}`), false)
  assert.equal(sessions.admits(`livecard-1=${secrets[16]}`), true)
})
