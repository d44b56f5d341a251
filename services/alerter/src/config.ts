/** The alerter's section of the configuration. */
import { linkTemplate } from '@lapwing/alerting/link-template'
import { severities } from '@lapwing/alerting/severity'
import { duration, httpUrl, secret } from '@lapwing/service/config-fields'
import { z } from 'zod'
import { readable } from './readable-field.ts'
import { allowanceSchema, checkRoutes, routeSchema } from './route-config.ts'

/** An address, or an empty text for "off"; people's files have `alertmanager_url: ""`. */
const urlOrOff = z
  .string()
  .refine(
    (text) => text === '' || httpUrl().safeParse(text).success,
    'expected an address such as http://alertmanager:9093, or "" for off',
  )
  .transform((text) => text.replace(/\/+$/, ''))

/** An app that posts to a channel and keeps its messages up to date, instead of a webhook. Empty is off. */
const slackBot = {
  slack_bot_token: secret().prefault(''),
  /** Id or name of the channel. */
  slack_channel: z.string().max(100).default(''),
}

const receiverSchema = z.strictObject({
  name: z.string().regex(/^[\w-]{1,50}$/, 'expected letters, digits and dashes'),
  slack_webhook_url: secret().prefault(''),
  ...slackBot,
  /** Every replica of one Alertmanager; each is told everything. */
  alertmanager_urls: z.array(httpUrl()).default([]),
  /** An address of this kind often is the only thing that whoever posts has to know. */
  webhook_url: secret().prefault(''),
  /** Of Slack and the webhook, each. */
  rate_limit: allowanceSchema.optional(),
})

export type ReceiverConfig = z.output<typeof receiverSchema>

export const alerterSchema = z
  .strictObject({
    port: z.int().min(0).max(65535).default(8084),
    /** Incoming webhook; empty is off. Checked at start and not here, because a configuration error shows the value. */
    slack_webhook_url: secret().prefault(''),
    ...slackBot,
    /** Of Slack's Web API; another for governments. */
    slack_api_url: httpUrl().prefault('https://slack.com/api'),
    alertmanager_url: urlOrOff.prefault(''),
    /** Of the Slack app; with it messages have buttons, and `/slack/interactions` takes what they say. Empty is off. */
    slack_signing_secret: secret().prefault(''),
    /** Bearer token of `/api/feedback`; empty is off. */
    feedback_token: secret().prefault(''),
    /** Least severity that people are told of; what is below is recorded. */
    minimum_severity: z.enum(severities).default('warning'),
    /** Address of the web page, for links. */
    page_url: httpUrl().prefault('http://127.0.0.1:8080'),
    /** Asked for the course of a series, which is a line in Slack's messages; empty is off. */
    prometheus_url: urlOrOff.prefault(''),
    /** Address of Prometheus as people open it, for links to its graphs; empty is none. */
    prometheus_page_url: urlOrOff.prefault(''),
    /** Link in messages; `{metric}`, `{severity}`, `{route}` and `{label:NAME}` are filled in. */
    runbook_url: readable(linkTemplate).optional(),
    /** Interval at which Alertmanager is told again; it ends an alert after four that failed. */
    resend_interval: duration(1000).prefault('60s'),
    /** A series whose alerts come and go in more than half of the twentieths of this window is held back. */
    flapping_window: duration(60_000).prefault('1h'),
    /** An alert held back is let through when it still fires after this time. */
    flapping_hold: duration().prefault('5m'),
    /** File of mutes, read again when it changes; empty is none. */
    mutes_file: z.string().default(''),
    /** How often Alertmanager is asked for its silences. */
    silences_interval: duration(1000).prefault('30s'),
    /** An incident that ended less than this ago goes on when its topology fires again. */
    reopen_window: duration().prefault('10m'),
    /** Topologies that fell ill within this time of each other again and again are one incident; 0s joins none. */
    together_within: duration(0).prefault('1m'),
    /** So many series of one incident firing at once are critical. */
    broad_series: z.int().min(2).default(10),
    /** Beside the one made of the addresses above, which is called `default`. */
    receivers: z.array(receiverSchema).default([]),
    route: routeSchema.prefault({}),
  })
  .superRefine((config, context) => {
    checkRoutes(config, context)
    checkSlack(config, [], context)
    config.receivers.forEach((receiver, i) => {
      checkSlack(receiver, ['receivers', i], context)
    })
  })
  .prefault({})

type SlackAccess = Pick<ReceiverConfig, 'slack_webhook_url' | 'slack_bot_token' | 'slack_channel'>

function checkSlack(access: SlackAccess, path: PropertyKey[], context: z.core.$RefinementCtx): void {
  const complain = (key: string, message: string) =>
    context.addIssue({ code: 'custom', path: [...path, key], message, input: undefined })
  const hasToken = access.slack_bot_token.reveal() !== ''
  if (hasToken && access.slack_channel === '') complain('slack_channel', 'expected the channel that slack_bot_token posts to')
  if (!hasToken && access.slack_channel !== '') complain('slack_bot_token', 'expected the token that posts to slack_channel')
  if (hasToken && access.slack_webhook_url.reveal() !== '')
    complain('slack_bot_token', 'expected one of slack_bot_token and slack_webhook_url: with both everything would be told twice')
}

export type AlerterConfig = z.output<typeof alerterSchema>
