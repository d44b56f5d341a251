import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { createTestAuthority } from '@lapwing/prometheus/testing/certificates'
import Fastify from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PushListener, startPushListener } from './push-listener.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-listener-'))
const { file, certify } = createTestAuthority(folder)
const http = Fastify()
let listener: PushListener

beforeAll(async () => {
  certify('server', 'first')
  certify('client', 'client')
  http.get('/', () => 'taken')
  const tls = { port: 0, cert_file: file('server.pem'), key_file: file('server.key'), client_ca_file: file('ca.pem') }
  listener = await startPushListener(http, '127.0.0.1', tls, pino({ level: 'silent' }))
})
afterAll(async () => {
  await listener.close()
  await http.close()
  rmSync(folder, { recursive: true })
})

test('takes only clients with a certificate of the authority', async () => {
  expect(await ask(true)).toEqual({ server: 'first', text: 'taken' })
  await expect(ask(false)).rejects.toThrow()
})

test('a rotated certificate is shown to the next connection; a damaged one changes nothing', async () => {
  certify('server', 'second')
  expect((await ask(true)).server).toBe('second')
  writeFileSync(file('server.pem'), 'half a certi')
  expect((await ask(true)).server).toBe('second')
})

/** Whose certificate the server showed, and what it said. */
function ask(withCertificate: boolean): Promise<{ server: string; text: string }> {
  const own = withCertificate ? { cert: readFileSync(file('client.pem')), key: readFileSync(file('client.key')) } : {}
  const options = { port: listener.port, host: '127.0.0.1', ca: readFileSync(file('ca.pem')), agent: false as const, ...own }
  return new Promise((resolve, reject) => {
    const asking = request({ ...options, checkServerIdentity: () => undefined }, (response) => {
      const server = String((response.socket as TLSSocket).getPeerCertificate().subject.CN)
      let text = ''
      response.on('data', (chunk) => {
        text += String(chunk)
      })
      response.on('end', () => resolve({ server, text }))
    })
    asking.on('error', reject)
    asking.end()
  })
}
