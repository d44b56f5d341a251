import { describe, expect, test } from 'vitest'
import { createSlackGuard, slackSignature } from './slack-signature.ts'

const secret = '8f742231b10e8888abcd99yyyzzz85a5'
const timestamp = '1531420618'
const nowMs = Number(timestamp) * 1000
/** The example of Slack's documentation, with the signature that it gives. */
const body = Buffer.from(
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
)
const signature = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503'

describe('a request', () => {
  test('is signed as in the documentation of Slack', () => {
    expect(slackSignature(secret, timestamp, body)).toBe(signature)
  })

  test('is trusted once', () => {
    const guard = createSlackGuard(secret)
    expect(guard.check({ timestamp, signature, body }, nowMs + 299_000)).toBe('trusted')
    expect(guard.check({ timestamp, signature, body }, nowMs + 300_000)).toBe('replayed')
  })

  test('is refused without a signature, with another, with another body, and five minutes later or earlier', () => {
    const guard = createSlackGuard(secret)
    const other = `${signature.slice(0, -1)}4`
    expect(guard.check({ timestamp: undefined, signature, body }, nowMs)).toBe('unsigned')
    expect(guard.check({ timestamp, signature: undefined, body }, nowMs)).toBe('unsigned')
    expect(guard.check({ timestamp: 'now', signature, body }, nowMs)).toBe('unsigned')
    expect(guard.check({ timestamp, signature: other, body }, nowMs)).toBe('forged')
    expect(guard.check({ timestamp, signature: 'v0=', body }, nowMs)).toBe('forged')
    expect(guard.check({ timestamp, signature, body: Buffer.from('x') }, nowMs)).toBe('forged')
    expect(guard.check({ timestamp, signature, body }, nowMs + 301_000)).toBe('stale')
    expect(guard.check({ timestamp, signature, body }, nowMs - 301_000)).toBe('stale')
    expect(guard.check({ timestamp, signature, body }, nowMs)).toBe('trusted')
  })
})
