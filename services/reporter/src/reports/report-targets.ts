/** Where reports go beside their folder: Slack gets the numbers, mail and a bucket the file. */
import { openBucket } from '@lapwing/models/object-bucket'
import type { Report } from '@lapwing/reports/report'
import { createTransport } from 'nodemailer'
import type { ReportSettings } from './report-settings.ts'

export interface WrittenReport {
  readonly report: Report
  readonly fileName: string
  readonly html: string
  readonly png: Buffer
}

export const targetNames = ['slack', 'mail', 'bucket'] as const

export interface ReportTarget {
  readonly name: (typeof targetNames)[number]
  /** Rejects when it is not known to have arrived; the message holds no secret. */
  deliver(written: WrittenReport): Promise<void>
}

const patienceMs = 20_000

export function reportTargets(settings: ReportSettings): ReportTarget[] {
  const webhook = settings.slack_webhook_url.reveal()
  return [
    ...(webhook === '' ? [] : [slackTarget(webhook, settings.folder_url)]),
    ...(settings.mail ? [mailTarget(settings.mail)] : []),
    ...(settings.bucket ? [bucketTarget(settings.bucket)] : []),
  ]
}

/** Source: Slack, "Sending messages using incoming webhooks". */
function slackTarget(webhook: string, folderUrl: string | undefined): ReportTarget {
  return {
    name: 'slack',
    deliver: async ({ report, fileName }) => {
      const link = folderUrl === undefined ? '' : `\n<${folderUrl}/${fileName}|Report>`
      const text = `${summaryText(report).replace(/[&<>]/g, (character) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt' }[character]};`)}${link}`
      const answer = await fetch(webhook, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
        signal: AbortSignal.timeout(patienceMs),
      }).catch((error: Error) => {
        throw new Error(`Slack cannot be reached (${error.name})`)
      })
      if (!answer.ok) throw new Error(`Slack answered ${answer.status}`)
    },
  }
}

function mailTarget({ smtp_url, from, to }: NonNullable<ReportSettings['mail']>): ReportTarget {
  return {
    name: 'mail',
    deliver: async ({ report, fileName, html, png }) => {
      const transport = createTransport({ url: smtp_url.reveal(), connectionTimeout: patienceMs, socketTimeout: patienceMs })
      try {
        await transport.sendMail({
          ...{ from, to: [...to], subject: titleOf(report), text: summaryText(report) },
          attachments: [
            { filename: fileName, content: html, contentType: 'text/html; charset=utf-8' },
            { filename: fileName.replace(/html$/, 'png'), content: png, contentType: 'image/png' },
          ],
          disableFileAccess: true,
          disableUrlAccess: true,
        })
      } finally {
        transport.close()
      }
    },
  }
}

/** Under the names that they have in the folder; told again, they are the same objects. */
function bucketTarget({
  access_key_id: accessKeyId,
  secret_access_key: secretAccessKey,
  ...place
}: NonNullable<ReportSettings['bucket']>): ReportTarget {
  const bucket = openBucket({ ...place, accessKeyId, secretAccessKey: secretAccessKey.reveal() })
  return {
    name: 'bucket',
    deliver: async ({ fileName, html, png }) => {
      await bucket.put(fileName.replace(/html$/, 'png'), png, 'image/png')
      await bucket.put(fileName, Buffer.from(html), 'text/html; charset=utf-8')
    },
  }
}

function titleOf({ period, figures }: Report): string {
  return `Lapwing ${period.kind} ${period.name}: ${figures.told} incidents`
}

/** A few lines for whoever does not open the file. */
export function summaryText(report: Report): string {
  const { figures, evaluation, incidents } = report
  const { judged, right } = evaluation.all.byVerdicts
  const worst = incidents.slice(0, 3).map(({ severity, series }) => `  ${severity}: ${series}`)
  return [
    titleOf(report),
    `${figures.toldBySeverity.critical} critical, ${figures.episodes} episodes in ${figures.series} series, ${figures.messages} messages sent, ${figures.spared} records spared.`,
    judged > 0 ? `${right} of the ${judged} that people judged were right.` : 'Nobody judged an incident.',
    ...worst,
  ].join('\n')
}
