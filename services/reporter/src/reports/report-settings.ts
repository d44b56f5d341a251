/** Reports on a schedule: key `reports` of section `reporter`. */
import { reportKinds } from '@lapwing/reports/report-period'
import { bucket, duration, httpUrl, secret, timeZone } from '@lapwing/service/config-fields'
import { Cron } from 'croner'
import { z } from 'zod'

/** Five fields, in the zone of the reports. */
const cronPattern = z.string().refine(isCron, 'expected a time as cron has it, such as "0 6 * * *" for every day at 06:00')

export const reportsSchema = z
  .strictObject({
    /** When each kind is made; a kind that is not named is not made. */
    schedule: z.partialRecord(z.enum(reportKinds), cronPattern).default({}),
    /** Zone whose days, weeks and months the reports are about, and whose clocks the schedule and the times in them go by. */
    time_zone: timeZone().default('UTC'),
    /** Folder for the files, and for what was delivered of them; kept over restarts, or reports are made again. */
    folder: z.string().min(1).default('reports'),
    /** Incoming webhook; gets the numbers. Empty is none. */
    slack_webhook_url: secret().prefault(''),
    /** Gets the file. */
    mail: z
      .strictObject({
        /** `smtp://user:password@host:587`, or `smtps:`. */
        smtp_url: secret(),
        from: z.string().min(3),
        to: z.array(z.string().min(3)).min(1),
      })
      .optional(),
    /** Gets the file and the plot as objects. */
    bucket: bucket('lapwing-reports/').optional(),
    /** Address of the folder in a browser, for links. */
    folder_url: httpUrl().optional(),
    /** File that says when something was wrong (docs/backtest.md). */
    labels_file: z.string().default(''),
    /** How soon a delivery that failed is tried again. */
    retry_interval: duration(100).prefault('10m'),
  })
  .prefault({})

export type ReportSettings = z.output<typeof reportsSchema>

/** What it reads of section `alerter`: the budgets of the routes. */
const budget = z
  .looseObject({ notifications: z.number(), per: duration(1000) })
  .transform(({ notifications, per }) => ({ notifications, perMs: per.ms }))

interface BudgetRoute {
  readonly name?: string | undefined
  readonly receiver?: string | undefined
  readonly budget?: { readonly notifications: number; readonly perMs: number } | undefined
  readonly routes?: readonly BudgetRoute[] | undefined
}

const routeWithBudget: z.ZodType<BudgetRoute> = z.lazy(() =>
  z.looseObject({
    name: z.string().optional(),
    receiver: z.string().optional(),
    budget: budget.optional(),
    routes: z.array(routeWithBudget).optional(),
  }),
)

export const watchedRoutes = z.looseObject({ route: routeWithBudget.prefault({}) }).prefault({})

function isCron(pattern: string): boolean {
  try {
    return pattern.trim().split(/\s+/).length === 5 && new Cron(pattern, { timezone: 'UTC' }).nextRun() !== null
  } catch {
    return false
  }
}
