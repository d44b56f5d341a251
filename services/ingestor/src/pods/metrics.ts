/** What the pods role tells Prometheus of itself. */
import type { PodEvent } from '@lapwing/contracts/records'
import { Counter, Gauge, type Registry } from 'prom-client'

export interface PodMetrics {
  /** On the log. */
  written(events: readonly PodEvent[]): void
  /** The log did not take them; they are tried again. */
  writeFailed(): void
  /** A watch that is over, or was refused; all pods are asked for again. */
  broke(): void
  /** How many namespaces are watched, and of how many of them the API server does not tell now. */
  namespaces(all: number, unanswered: number): void
}

export function createPodMetrics(registry: Registry): PodMetrics {
  const registers = [registry]
  const events = new Counter({
    name: 'lapwing_pod_events_total',
    help: 'What happened to pods, written to the log, by kind.',
    labelNames: ['kind'],
    registers,
  })
  for (const kind of kinds) events.inc({ kind }, 0)
  const failures = new Counter({
    name: 'lapwing_pod_event_write_errors_total',
    help: 'Attempts to write what happened to pods that failed, and are made again.',
    registers,
  })
  const breaks = new Counter({
    name: 'lapwing_pod_watch_breaks_total',
    help: 'Watches of pods that broke or were refused; all pods of the namespace are asked for again.',
    registers,
  })
  const namespaces = new Gauge({
    name: 'lapwing_pod_namespaces',
    help: 'Namespaces whose pods are to be watched, by whether the API server tells of them now; all namespaces together are one.',
    labelNames: ['state'],
    registers,
  })
  return {
    written: (written) => {
      for (const { kind } of written) events.inc({ kind })
    },
    writeFailed: () => failures.inc(),
    broke: () => breaks.inc(),
    namespaces: (all, unanswered) => {
      namespaces.set({ state: 'watched' }, all - unanswered)
      namespaces.set({ state: 'unanswered' }, unanswered)
    },
  }
}

const kinds: readonly PodEvent['kind'][] = ['container_ended', 'not_ready', 'evicted']
