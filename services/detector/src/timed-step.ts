/** How long a model takes, measured around its step: the step itself does not look at a clock. */
import type { StatefulStep } from '@lapwing/stream/stateful-stage'
import { Histogram, type Registry } from 'prom-client'

/** Returns what wraps the steps of a stage, so that the time which each takes for one sample batch goes into the histogram. */
export function stepTimer(registry: Registry, name: string, help: string): (step: StatefulStep) => StatefulStep {
  const duration = new Histogram({
    name,
    help,
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers: [registry],
  })
  return (step) => ({
    process: (record, emit) => {
      const end = duration.startTimer()
      step.process(record, emit)
      end()
    },
    takeChanged: () => step.takeChanged(),
    ...(step.takeForgotten && { takeForgotten: step.takeForgotten.bind(step) }),
    restore: (key, snapshot, version) => step.restore(key, snapshot, version),
    ...(step.beginAnew && { beginAnew: step.beginAnew.bind(step) }),
    ...(step.apply && { apply: (record) => step.apply?.(record) }),
  })
}
