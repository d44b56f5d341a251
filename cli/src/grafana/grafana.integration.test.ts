/** `lapwing grafana` as a program, against a Grafana that holds every request to the published contract. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createGrafanaClient } from '@lapwing/grafana/grafana-client'
import { doubleCredentials, type GrafanaDouble, grafanaDouble, startGrafanaDouble } from '@lapwing/grafana/testing/grafana-double'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../../lapwing', import.meta.url))
const found = grafanaDouble()
if ('missing' in found) process.stderr.write(`skipped: lapwing grafana: ${found.missing}\n`)

async function lapwing(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [program, 'grafana', ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
  })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => output.push(data.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, output: output.join('') }
}

describe.skipIf('missing' in found)('lapwing grafana', { timeout: 180_000 }, () => {
  let double: GrafanaDouble
  let environment: Readonly<Record<string, string>>
  beforeAll(async () => {
    double = await startGrafanaDouble((found as { program: string }).program)
    environment = { GRAFANA_URL: double.url, GRAFANA_TOKEN: doubleCredentials.token }
  })
  afterAll(() => double.stop())

  test('check says what is absent, apply makes it, applying again changes nothing, and a change of somebody is seen', async () => {
    const before = await lapwing(['check'], environment)
    expect(before.code).toBe(1)
    expect(before.output.match(/^absent/gm)).toHaveLength(5)
    expect((await lapwing(['apply'], environment)).output.match(/^created/gm)).toHaveLength(5)
    expect((await lapwing(['apply', '--json'], environment)).output.match(/"outcome":"unchanged"/g)).toHaveLength(5)
    expect((await lapwing(['check'], environment)).code).toBe(0)

    const client = createGrafanaClient({ url: double.url, credentials: { token: doubleCredentials.token } })
    const { dashboard } = (await client.getDashboard('lapwing-overview'))!
    await client.createOrUpdateDashboard({ ...dashboard, title: 'Mine' }, 'lapwing', '')
    const after = await lapwing(['check'], environment)
    expect(after.code).toBe(1)
    expect(after.output).toMatch(/^changed +overview +different: title$/m)
  })

  test('what is missing or refused is said in a sentence, exit code 2, and secrets are not in it', async () => {
    expect(await lapwing(['apply'], {})).toMatchObject({ code: 2, output: expect.stringContaining('--url http://grafana:3000') })
    expect(await lapwing(['apply'], { GRAFANA_URL: double.url })).toMatchObject({
      code: 2,
      output: expect.stringContaining('--token-file'),
    })
    const wrong = await lapwing(['apply'], { ...environment, GRAFANA_TOKEN: 'canary-of-grafana' })
    expect(wrong).toMatchObject({ code: 2, output: expect.stringContaining('Grafana refuses these credentials') })
    expect(wrong.output).not.toContain('canary-of-grafana')
  })
})
