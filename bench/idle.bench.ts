/**
 * What the services cost when nothing happens: all five as processes of their own on a real Kafka, with no samples coming.
 *
 * The figure is the busiest of them, in percent of a core; what each used is told on standard error.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Benches, Figure } from './figure.ts'
import { startServices } from './service-processes.ts'

export const benches: Benches = { 'idle/cpu': busiestShare }

const names = ['ingestor', 'detector', 'drift', 'alerter', 'reporter']
const partitions = 8
/** Until groups are settled and what is compiled once is compiled. */
const settleMs = 15_000
/** Each process has one big collection of garbage, a quarter of a second, 40 to 90 s after its start: half a minute held all of it or none, by luck. */
const measuredMs = 120_000

async function busiestShare(): Promise<Figure> {
  const services = await startServices(names, partitions)
  try {
    await delay(settleMs)
    const before = services.cpuSeconds()
    const startMs = performance.now()
    await delay(measuredMs)
    const seconds = (performance.now() - startMs) / 1000
    const shares = [...services.cpuSeconds()].map(([name, used]) => ({
      name,
      percent: (100 * (used - before.get(name)!)) / seconds,
    }))
    const text = shares.map(({ name, percent }) => `${name} ${percent.toFixed(2)} %`).join(', ')
    process.stderr.write(`of a core: ${text}\n`)
    const busiest = Math.max(...shares.filter(({ name }) => names.includes(name)).map(({ percent }) => percent))
    return { bench: 'idle/cpu', value: Math.round(busiest * 100) / 100, unit: '% of a core' }
  } finally {
    await services.close()
  }
}
