import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, commonSections, loadConfig } from '@lapwing/service/config'
import { afterAll, describe, expect, test } from 'vitest'
import { alerterSchema } from './config.ts'
import { routingTree } from './route-config.ts'

test('an empty section works, and nothing is told to anybody', () => {
  const config = alerterSchema.parse(undefined)
  expect(config).toMatchObject({ port: 8084, alertmanager_url: '', minimum_severity: 'warning', resend_interval: { ms: 60_000 } })
  expect(config.slack_webhook_url.reveal()).toBe('')
})

test('empty addresses are off, and others lose their last slash', () => {
  expect(alerterSchema.parse({ slack_webhook_url: '', alertmanager_url: '' }).alertmanager_url).toBe('')
  expect(alerterSchema.parse({ alertmanager_url: 'http://alertmanager:9093/' }).alertmanager_url).toBe('http://alertmanager:9093')
})

test('what is no address, no severity or unknown is refused with what was expected', () => {
  const problems = (section: object) => alerterSchema.safeParse(section).error?.issues.map(({ message }) => message)
  expect(problems({ alertmanager_url: 'alertmanager:9093' })).toEqual([expect.stringContaining('expected an address')])
  expect(problems({ minimum_severity: 'page' })).toEqual([expect.stringContaining('"warning"')])
  expect(problems({ slack_channel: '#ops' })).toEqual([expect.stringContaining('slack_channel')])
})

test('the webhook is not shown', () => {
  const config = alerterSchema.parse({ slack_webhook_url: 'https://hooks.slack.com/services/secret' })
  expect(JSON.stringify(config)).not.toContain('hooks.slack.com')
})

describe('the routing tree', () => {
  const tree = (alerter: object) => routingTree(alerterSchema.parse(alerter).route)
  const messages = (alerter: object) =>
    alerterSchema
      .safeParse(alerter)
      .error?.issues.map(({ message }) => message)
      .join()
  const receivers = [{ name: 'db' }]
  const child = { matchers: ['team="db"'] }

  test('is one route to everything configured, when nobody asks for more', () => {
    expect(tree({})).toMatchObject({ name: 'default', receiver: 'default', minimumDurationMs: 0, routes: [] })
  })

  test('hands down receiver, grouping and times, and keeps budgets where they stand', () => {
    const route = {
      minimum_duration: '2m',
      group_by: ['node'],
      budget: { notifications: 20, per: '1w' },
      routes: [{ ...child, receiver: 'db', group_wait: '10s', routes: [{ matchers: ['metric="x"'], name: 'x' }] }],
    }
    const [db] = tree({ receivers, route }).routes
    expect(db).toMatchObject({ name: 'db', receiver: 'db', groupBy: ['node'], minimumDurationMs: 120_000, budget: undefined })
    expect(db?.routes[0]).toMatchObject({ name: 'x', receiver: 'db', groupWaitMs: 10_000 })
    expect(tree({ route: { budget: { notifications: 20, per: '1w' } } }).budget).toEqual({
      notifications: 20,
      perMs: 604_800_000,
    })
  })

  test.each([
    ['a receiver that does not exist', { route: { routes: [{ ...child, receiver: 'ops' }] } }, '"ops" is none of default'],
    ['two routes of one name', { receivers, route: { routes: [child, child] } }, 'called "default" a name'],
    ['a receiver called default', { receivers: [{ name: 'default' }] }, '"default" is taken'],
    ['a matcher that is none', { route: { routes: [{ matchers: ['team db'] }] } }, 'expected a matcher'],
    ['matchers at the root', { route: { matchers: ['a=b'] } }, 'matchers'],
    ['a bot without a channel', { slack_bot_token: 'x' }, 'the channel that slack_bot_token posts to'],
    ['a channel without a bot', { receivers: [{ name: 'db', slack_channel: 'x' }] }, 'the token that posts to slack_channel'],
    [
      'a bot beside a webhook',
      { slack_bot_token: 'x', slack_channel: 'x', slack_webhook_url: 'http://x' },
      'expected one of slack_bot_token and slack_webhook_url',
    ],
    ['a budget of nothing', { route: { budget: { notifications: 0, per: '1w' } } }, '>=1'],
  ])('with %s is refused', (_, alerter, message) => {
    expect(messages(alerter)).toContain(message)
  })
})

describe('a configuration file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-alerter-config-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const problemsOf = (text: string): string => {
    const file = join(folder, 'lapwing.yaml')
    writeFileSync(file, text)
    try {
      loadConfig({ ...commonSections, alerter: alerterSchema }, { file, environment: {}, sets: [] })
    } catch (error) {
      if (error instanceof ConfigError) return error.message.replaceAll(file, 'FILE')
      throw error
    }
    return ''
  }

  test.each([
    [
      'a template with an unknown field',
      'alerter:\n  runbook_url: http://x/{nothing}',
      /FILE:2: alerter.runbook_url: .*\{nothing\}/,
    ],
    [
      'an expression that backtracks',
      `alerter:\n  route:\n    routes:\n      - matchers: ['a=~"(x)\\1"']`,
      /FILE:4: alerter.route.routes.0.matchers.0: .*RE2/,
    ],
    [
      'a budget of a million',
      'alerter:\n  route:\n    budget: {notifications: 1000000, per: 1w}',
      /FILE:3: alerter.route.budget.notifications/,
    ],
    ['a bot without its channel', 'alerter:\n  slack_bot_token: xoxb-secret', /alerter.slack_channel: .*slack_bot_token/],
    ['a token that is no text', 'alerter:\n  feedback_token: 12345678', /FILE:2: alerter.feedback_token: .*in quotes/],
  ])('with %s is refused with file, line and key', (_, text, message) => {
    expect(problemsOf(text)).toMatch(message)
    expect(problemsOf(text)).not.toMatch(/xoxb-secret|12345678/)
  })
})
