/** The alerter's section of the configuration. */
import { severities } from '@lapwing/alerting/severity'
import { duration, httpUrl, secret } from '@lapwing/service/config-fields'
import { z } from 'zod'

/** An address, or an empty text for "off"; people's files have `alertmanager_url: ""`. */
const urlOrOff = z
  .string()
  .refine(
    (text) => text === '' || httpUrl().safeParse(text).success,
    'expected an address such as http://alertmanager:9093, or "" for off',
  )
  .transform((text) => text.replace(/\/+$/, ''))

export const alerterSchema = z
  .strictObject({
    port: z.int().min(0).max(65535).default(8084),
    /** Incoming webhook; empty is off. Checked at start and not here, because a configuration error shows the value. */
    slack_webhook_url: secret().prefault(''),
    alertmanager_url: urlOrOff.prefault(''),
    /** Least severity that people are told of; what is below is recorded. */
    minimum_severity: z.enum(severities).default('warning'),
    /** Address of the web page, for links. */
    page_url: httpUrl().prefault('http://127.0.0.1:8080'),
    /** Interval at which Alertmanager is told again; it ends an alert after four that failed. */
    resend_interval: duration(1000).prefault('60s'),
    /** A series whose alerts come and go in more than half of the twentieths of this window is held back. */
    flapping_window: duration(60_000).prefault('1h'),
    /** An alert held back is let through when it still fires after this time. */
    flapping_hold: duration().prefault('5m'),
  })
  .prefault({})

export type AlerterConfig = z.output<typeof alerterSchema>
