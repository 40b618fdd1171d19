import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Long enough to walk over to the browser, short enough that a link in a scrollback is worth nothing. */
export const tokenLifetimeMs = 10 * 60 * 1000
/** Browsers that may be signed in at a time; the oldest goes. */
const maxSessions = 16

export interface Sessions {
  /** A fresh token for a link. The one before it, used or not, is void. */
  newToken(): string
  /** Takes the token and answers a new session's secret; null when it is wrong, used or too old. */
  redeem(token: string): string | null
  /** The session of a `Cookie` header, if it has one. */
  admits(cookieHeader: string | undefined): boolean
  /** The value of the `Set-Cookie` header for a session's secret. */
  setCookie(secret: string): string
}

/**
 * Who may speak to the helper. A cookie is sent to every port of its host, so the name carries the port: two servers do not sign each other's
 * browsers out. Secrets are held as hashes, and hashes compared, which takes the same time wherever two secrets differ.
 */
export function createSessions(port: number, now: () => number = Date.now): Sessions {
  const cookieName = `livecard-${port}`
  let token: { hash: Buffer; expiresAt: number } | null = null
  const sessions: Buffer[] = []

  return {
    newToken() {
      const secret = randomSecret()
      token = { hash: hashOf(secret), expiresAt: now() + tokenLifetimeMs }
      return secret
    },
    redeem(given) {
      const matches = token !== null && timingSafeEqual(token.hash, hashOf(given))
      if (!matches || token === null) return null
      const expired = now() >= token.expiresAt
      token = null
      if (expired) return null
      const secret = randomSecret()
      sessions.push(hashOf(secret))
      if (sessions.length > maxSessions) sessions.shift()
      return secret
    },
    admits(cookieHeader) {
      return cookiesNamed(cookieName, cookieHeader).some((value) => {
        const hash = hashOf(value)
        // Every session is compared: the time does not tell which one came close.
        return sessions.filter((session) => timingSafeEqual(session, hash)).length > 0
      })
    },
    setCookie: (secret) => `${cookieName}=${secret}; HttpOnly; SameSite=Strict; Path=/`,
  }
}

const randomSecret = () => randomBytes(32).toString('base64url')
const hashOf = (secret: string) => createHash('sha256').update(secret).digest()

function cookiesNamed(name: string, header: string | undefined): string[] {
  if (!header) return []
  return header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
}
