/** The receivers of a configuration, by the name that routes call them: each a group of places that are told the same. */
import type { PartitionOf } from '@lapwing/alerting/slack-buttons'
import { Secret } from '@lapwing/service/config-fields'
import type { Logger } from 'pino'
import { createAlertmanagerReceiver } from './alertmanager-receiver.ts'
import type { AlerterConfig, ReceiverConfig } from './config.ts'
import { createLogReceiver } from './log-receiver.ts'
import type { PodsOf } from './pod-source.ts'
import type { Receiver } from './receiver.ts'
import { createSlackBotReceiver } from './slack-bot-receiver.ts'
import { createSlackReceiver } from './slack-receiver.ts'
import { createWebhookReceiver } from './webhook-receiver.ts'
import { createWindowSource, noWindow, type WindowOf } from './window-source.ts'

const requestTimeoutMs = 10_000
const noAddress = new Secret('')

export interface ReceiverParts {
  readonly logger: Logger
  readonly partitionOf: PartitionOf
  readonly podsOf: PodsOf
}

/** The log is part of each: an installation without anything else sees its alerts too. Throws for an address that is none. */
export function createReceivers(config: AlerterConfig, parts: ReceiverParts): ReadonlyMap<string, readonly Receiver[]> {
  const implicit = {
    slack_webhook_url: config.slack_webhook_url,
    slack_bot_token: config.slack_bot_token,
    slack_channel: config.slack_channel,
    alertmanager_urls: config.alertmanager_url === '' ? [] : [config.alertmanager_url],
  }
  const groups = new Map([['default', placesOf({ name: '', webhook_url: noAddress, ...implicit }, config, parts)]])
  for (const receiver of config.receivers) groups.set(receiver.name, placesOf(receiver, config, parts))
  return groups
}

/** Names of places are unique: those of the default receiver are the bare kinds. */
function placesOf(receiver: ReceiverConfig, config: AlerterConfig, { logger, partitionOf, podsOf }: ReceiverParts): Receiver[] {
  const nameOf = (kind: string) => (receiver.name === '' ? kind : `${receiver.name}.${kind}`)
  const { page_url: pageUrl, runbook_url: runbook } = config
  const links = {
    ...{ pageUrl, runbook, prometheusUrl: config.prometheus_page_url || undefined },
    partitionOf: config.slack_signing_secret.reveal() === '' ? undefined : partitionOf,
  }
  const windowOf: WindowOf =
    config.prometheus_url === '' ? async () => noWindow : createWindowSource(config.prometheus_url, logger)
  const [timeoutMs, rateLimit] = [requestTimeoutMs, receiver.rate_limit]
  const places = [createLogReceiver(logger, nameOf('log'))]
  const { slack_webhook_url: slackUrl, webhook_url: webhookUrl } = receiver
  if (slackUrl.reveal() !== '')
    places.push(
      createSlackReceiver({ rateLimit, timeoutMs, links, windowOf, podsOf, name: nameOf('slack'), webhookUrl: slackUrl }),
    )
  const { slack_bot_token: botToken, slack_channel: channel } = receiver
  const slackBot = {
    rateLimit,
    timeoutMs,
    links,
    windowOf,
    podsOf,
    logger,
    name: nameOf('slack'),
    botToken,
    channel,
    apiUrl: config.slack_api_url,
  }
  if (botToken.reveal() !== '') places.push(createSlackBotReceiver(slackBot))
  if (webhookUrl.reveal() !== '')
    places.push(createWebhookReceiver({ pageUrl, podsOf, rateLimit, timeoutMs, name: nameOf('webhook'), webhookUrl }))
  receiver.alertmanager_urls.forEach((url, i) => {
    const name = nameOf(i === 0 ? 'alertmanager' : `alertmanager-${i + 1}`)
    places.push(
      createAlertmanagerReceiver({ name, url, pageUrl, podsOf, timeoutMs, resendMs: config.resend_interval.ms, nowMs: Date.now }),
    )
  })
  return places
}
