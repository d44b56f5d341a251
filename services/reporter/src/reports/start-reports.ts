/** The scheduled reports as a part of the reporter. */
import { reportKinds } from '@lapwing/reports/report-period'
import { routeBudgets, type WrittenRoute } from '@lapwing/reports/route-budgets'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import type { Log } from '@lapwing/stream/log'
import { Counter } from 'prom-client'
import type { reporterSchema } from '../config.ts'
import { countSeries, type Projection } from '../projection.ts'
import { targetNames } from './report-targets.ts'
import { runScheduledReports } from './scheduled-reports.ts'

/** Section `alerter` where it is known, for the budgets of its routes. */
export type WithRoutes = { readonly alerter?: { readonly route: WrittenRoute } }

export function startReports(
  context: ServiceContext<ServiceConfig<'reporter', typeof reporterSchema> & WithRoutes>,
  log: Log,
  projection: Projection,
): void {
  const { config, logger, registry } = context
  const counter = new Counter({
    name: 'lapwing_report_steps_total',
    help: 'Reports made, and deliveries of them, by how they went.',
    labelNames: ['kind', 'step', 'outcome'],
    registers: [registry],
  })
  for (const kind of reportKinds) {
    for (const step of ['made', ...targetNames]) for (const outcome of ['done', 'failed']) counter.inc({ kind, step, outcome }, 0)
  }
  const stopping = new AbortController()
  const running = runScheduledReports({
    settings: config.reporter.reports,
    log,
    prefix: config.kafka.topic_prefix,
    budgets: config.alerter ? routeBudgets(config.alerter.route) : [],
    coverage: () => {
      const { shown, byState } = countSeries(projection)
      const inStates = Object.entries(byState).filter(([, series]) => series > 0)
      return { series: shown + projection.droppedKeys.size, byState: inStates.sort(([, a], [, b]) => b - a) }
    },
    now: Date.now,
    onReport: ({ kind, name }, step, error) => {
      counter.inc({ kind, step, outcome: error ? 'failed' : 'done' })
      if (error) logger.error({ kind, period: name, step, err: error }, 'a report failed; trying again')
      else logger.info({ kind, period: name, step }, 'report')
    },
    signal: stopping.signal,
  })
  running.catch(context.fail)
  context.onClose('reports', async () => {
    stopping.abort()
    await running.catch(() => undefined)
  })
}
