/** A running alerter whose configuration changes: on the log in memory, with a real file and receivers on this machine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startAlerterOn, type TestAlerter } from '../testing/alerter.ts'
import { episode, sendAnomalies } from '../testing/anomalies.ts'
import { eventually } from '../testing/eventually.ts'
import { type SlackTestReceiver, startSlackReceiver } from '../testing/slack-receiver.ts'

let folder: string
let file: string
let everyone: SlackTestReceiver
let team: SlackTestReceiver
let alerter: TestAlerter | undefined

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lapwing-reload-'))
  file = join(folder, 'lapwing.yaml')
  everyone = await startSlackReceiver()
  team = await startSlackReceiver()
})
afterEach(async () => {
  await alerter?.stop()
  await everyone.stop()
  await team.stop()
  rmSync(folder, { recursive: true })
})

const machinesIn = (slack: SlackTestReceiver) =>
  slack.taken().map((message) => /node-\w+:9100/.exec(JSON.stringify(message.blocks))?.[0])

test('routes and receivers change while it runs; a refused file changes nothing, and the end is told where the beginning was', async () => {
  const log = createInProcessLog()
  const base = `slack_webhook_url: ${everyone.url}\nalerter:\n`
  writeFileSync(file, `${base}  minimum_severity: warning\n`)
  alerter = await startAlerterOn(log, file)
  const { lines, balance, failures } = alerter
  const logged = (text: string) => eventually(() => expect(lines.join('')).toContain(text))
  const [a, b, c] = [episode('a'), episode('b'), episode('c')]
  await sendAnomalies(log, a.opened)
  await eventually(() => expect(machinesIn(everyone)).toEqual(['node-a:9100']))

  writeFileSync(file, `${base}  route:\n    routes: [{receiver: nobody, matchers: ['instance="node-b:9100"']}]\n`)
  await logged(`${file}:3: alerter.route: expected receivers that exist: \\"nobody\\" is none of default`)
  await sendAnomalies(log, b.opened)
  await eventually(() => expect(machinesIn(everyone)).toEqual(['node-a:9100', 'node-b:9100']))

  const routes = `  route:\n    routes: [{receiver: team, matchers: ['instance=~"node-[bc]:9100"']}]\n`
  writeFileSync(file, `${base}  port: 9999\n  receivers: [{name: team, slack_webhook_url: "${team.url}"}]\n${routes}`)
  await logged('in force now: alerter.minimum_severity, alerter.receivers, alerter.route')
  await sendAnomalies(log, c.opened, a.resolved)
  await eventually(() => expect(machinesIn(team)).toEqual(['node-c:9100']))
  await eventually(() => expect(machinesIn(everyone)).toEqual(['node-a:9100', 'node-b:9100', 'node-a:9100']))
  for (const receiver of ['slack', 'team.slack']) {
    await eventually(async () => {
      const { accepted, settled, pending } = await balance(receiver)
      expect(accepted).toBe(settled + pending)
    })
  }
  expect(failures).toEqual([])
}, 60_000)
