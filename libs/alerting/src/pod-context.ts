/**
 * What happened to the pods of an incident, as context for whoever is told of it: a container that was killed for its memory three minutes before is
 * likely why the latency rose. It decides nothing: no alert is made of it, none is held back.
 *
 * A series belongs to a pod by its labels `pod` and `namespace`, or `exported_pod` and `exported_namespace` where the scrape had labels of its own. One
 * without a namespace is matched by the name alone.
 */
import type { Label, PodEvent } from '@lapwing/contracts/records'
import { durationText } from './alert-text.ts'

/** What an incident has of an alert, or the page of an anomaly. */
export interface PodSeries {
  readonly labels: readonly Label[]
  readonly startedAtMs: number
  readonly endedAtMs: number | null
}

export interface PodContext {
  readonly atMs: number
  /** `Pod shop/cart-1: container app ended (OOMKilled, exit code 137), restarted 4 times`. */
  readonly text: string
  /** `3 min before` or `2 min after it began`. */
  readonly when: string
}

export interface PodMemory {
  add(event: PodEvent): void
  /** What happened to the pods of these series shortly before they fell ill, or since: the newest, oldest first. */
  contextOf(series: readonly PodSeries[]): PodContext[]
}

const beforeMs = 15 * 60_000
const mostShown = 5
/** Of all pods together; the oldest go first. */
const mostEvents = 20_000

export function createPodMemory(): PodMemory {
  const events = new Map<string, PodEvent>()
  const idsOfPod = new Map<string, Set<string>>()
  const forget = (id: string) => {
    const { pod } = events.get(id)!
    const ids = idsOfPod.get(pod)!
    ids.delete(id)
    if (ids.size === 0) idsOfPod.delete(pod)
    events.delete(id)
  }
  return {
    add: (event) => {
      if (events.has(event.id)) return
      events.set(event.id, event)
      idsOfPod.set(event.pod, (idsOfPod.get(event.pod) ?? new Set()).add(event.id))
      if (events.size > mostEvents) forget(events.keys().next().value!)
    },
    contextOf: (series) => {
      const fromMs = Math.min(...series.map(({ startedAtMs }) => startedAtMs))
      const untilMs = Math.max(...series.map(({ endedAtMs }) => endedAtMs ?? Number.POSITIVE_INFINITY))
      const ids = new Set(series.flatMap(({ labels }) => [...(idsOfPod.get(labelOf(labels, 'pod')) ?? [])]))
      return [...ids]
        .map((id) => events.get(id)!)
        .filter(({ atMs }) => atMs >= fromMs - beforeMs && atMs <= untilMs)
        .filter((event) => series.some(({ labels }) => isPodOf(labels, event)))
        .sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1))
        .slice(-mostShown)
        .map((event) => ({ atMs: event.atMs, text: textOf(event), when: whenText(event.atMs, fromMs) }))
    },
  }
}

function isPodOf(labels: readonly Label[], { pod, namespace }: PodEvent): boolean {
  const known = labelOf(labels, 'namespace')
  return labelOf(labels, 'pod') === pod && (known === '' || known === namespace)
}

function labelOf(labels: readonly Label[], name: string): string {
  const find = (wanted: string) => labels.find((label) => label.name === wanted)?.value
  return find(`exported_${name}`) ?? find(name) ?? ''
}

function textOf(event: PodEvent): string {
  return `Pod ${event.namespace}/${event.pod}: ${happenings[event.kind](event)}`
}

const happenings: Record<PodEvent['kind'], (event: PodEvent) => string> = {
  unknown: ({ reason }) => reason || 'something happened',
  container_ended: ({ container, reason, exitCode, restarts }) => {
    const times = restarts === 0 ? '' : `, restarted ${restarts === 1 ? 'once' : `${restarts} times`}`
    return `container ${container} ended (${reason ? `${reason}, ` : ''}exit code ${exitCode})${times}`
  },
  not_ready: ({ reason }) => `not ready${reason ? ` (${reason})` : ''}`,
  evicted: ({ node, message }) => `evicted${node ? ` from ${node}` : ''}${message ? `: ${message}` : ''}`,
}

function whenText(atMs: number, startedAtMs: number): string {
  return atMs <= startedAtMs ? `${durationText(startedAtMs - atMs)} before` : `${durationText(atMs - startedAtMs)} after it began`
}
