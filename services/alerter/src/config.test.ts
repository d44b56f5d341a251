import { expect, test } from 'vitest'
import { alerterSchema } from './config.ts'

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
