/**
 * A small shop to watch: what each of its metrics would read at any time, and what goes wrong when.
 *
 * A value is a base level, times a rhythm like that of a day (compressed to ten minutes, so that it can be seen), times noise; the
 * metrics of a service lean on the same rhythm, as they do in life. Noise is a hash of seed, series and time, so the value
 * at a time is the same whenever and in whatever order it is asked for. A fault changes some series for a while; the
 * schedule begins with one that anybody recognises and then goes round through the kinds of anomaly. Each is clear enough to be told by a
 * detector that knows two hours of the series: a drop is not among them, since requests that fall and rise by a third in ten minutes may do so by more.
 *
 * Blind spot: noise is independent from one sample to the next, real load is not.
 */
import { type LabelSet, sortedLabels } from '@lapwing/contracts/series'

export interface DemoSeries {
  readonly service: Service
  readonly metric: Metric
  readonly labels: LabelSet
}

/** What goes wrong for a while. Times are milliseconds after the begin of the live phase. */
export interface Fault {
  /** For a person. */
  readonly title: string
  readonly startMs: number
  readonly endMs: number
  readonly service: Service
  readonly effects: Partial<Record<Metric, Effect>>
}

/** How a fault changes a value: a factor, a factor that is reached slowly, a value that stands still, or none at all. */
export type Effect =
  | { readonly kind: 'factor'; readonly factor: number }
  | { readonly kind: 'leak'; readonly factor: number }
  | { readonly kind: 'flat' }
  | { readonly kind: 'silence' }

export type Service = 'gateway' | 'checkout' | 'cart' | 'search' | 'payments'
export type Metric = 'requests' | 'errors' | 'latency' | 'cpu' | 'memory' | 'queue'

interface Shape {
  /** Metric name, with its unit. */
  readonly name: string
  readonly base: number
  /** Share of the level by which the rhythm moves it. */
  readonly rhythm: number
  /** Standard deviation of the noise, as a share of the level. */
  readonly noise: number
}

const shapes: Readonly<Record<Metric, Shape>> = {
  requests: { name: 'shop_requests_per_second', base: 120, rhythm: 0.35, noise: 0.03 },
  errors: { name: 'shop_error_ratio', base: 0.004, rhythm: 0.1, noise: 0.12 },
  latency: { name: 'shop_latency_p95_seconds', base: 0.18, rhythm: 0.15, noise: 0.05 },
  cpu: { name: 'shop_cpu_usage_ratio', base: 0.32, rhythm: 0.3, noise: 0.04 },
  memory: { name: 'shop_memory_bytes', base: 600e6, rhythm: 0.05, noise: 0.01 },
  queue: { name: 'shop_queue_depth', base: 20, rhythm: 0.3, noise: 0.1 },
}

/** Size of a service beside the others, and what it has beside requests, errors, latency and CPU. */
const services: Readonly<Record<Service, { readonly size: number; readonly also: readonly Metric[] }>> = {
  gateway: { size: 4, also: ['memory'] },
  checkout: { size: 0.5, also: ['queue'] },
  cart: { size: 1, also: [] },
  search: { size: 2, also: ['memory'] },
  payments: { size: 0.4, also: ['queue'] },
}

export const demoSeries: readonly DemoSeries[] = (Object.keys(services) as Service[]).flatMap((service) =>
  (['requests', 'errors', 'latency', 'cpu', ...services[service].also] as Metric[]).map((metric) => ({
    service,
    metric,
    labels: sortedLabels([
      ['__name__', shapes[metric].name],
      ['instance', `${service}-0:8080`],
      ['job', 'shop'],
      ['service', service],
    ]),
  })),
)

const secondMs = 1000

/** The first begins soon enough to be seen by whoever has just started the demo; the others go round for ever. */
const firstFault: Omit<Fault, 'startMs' | 'endMs'> & { startMs: number; lengthMs: number } = {
  title: 'checkout becomes slow and fails',
  startMs: 22 * secondMs,
  lengthMs: 60 * secondMs,
  service: 'checkout',
  effects: { latency: { kind: 'factor', factor: 5 }, errors: { kind: 'factor', factor: 25 } },
}
const roundOfFaults: readonly (Omit<Fault, 'startMs' | 'endMs'> & { readonly lengthMs: number })[] = [
  {
    title: 'a crawler hits search',
    lengthMs: 90 * secondMs,
    service: 'search',
    effects: { requests: { kind: 'factor', factor: 6 }, cpu: { kind: 'factor', factor: 2.5 } },
  },
  {
    title: 'the CPU reading of payments stands still',
    lengthMs: 150 * secondMs,
    service: 'payments',
    effects: { cpu: { kind: 'flat' } },
  },
  {
    title: 'cart reports nothing any more',
    lengthMs: 75 * secondMs,
    service: 'cart',
    effects: {
      requests: { kind: 'silence' },
      errors: { kind: 'silence' },
      latency: { kind: 'silence' },
      cpu: { kind: 'silence' },
    },
  },
  {
    title: 'gateway leaks memory',
    lengthMs: 150 * secondMs,
    service: 'gateway',
    effects: { memory: { kind: 'leak', factor: 2.2 } },
  },
  {
    title: 'work piles up in front of payments',
    lengthMs: 60 * secondMs,
    service: 'payments',
    effects: { queue: { kind: 'leak', factor: 12 }, latency: { kind: 'factor', factor: 2.5 } },
  },
  { title: 'checkout becomes slow and fails', lengthMs: 60 * secondMs, service: 'checkout', effects: firstFault.effects },
]
const firstRoundMs = 4 * 60 * secondMs
const faultEveryMs = 3 * 60 * secondMs

/** The fault at this time after the begin of the live phase, if there is one. */
export function faultAt(liveMs: number): Fault | undefined {
  const { lengthMs, ...first } = firstFault
  if (liveMs < firstRoundMs) return during({ ...first, endMs: first.startMs + lengthMs }, liveMs)
  const turn = Math.floor((liveMs - firstRoundMs) / faultEveryMs)
  const { lengthMs: turnLengthMs, ...fault } = roundOfFaults[turn % roundOfFaults.length]!
  const startMs = firstRoundMs + turn * faultEveryMs
  return during({ ...fault, startMs, endMs: startMs + turnLengthMs }, liveMs)
}

function during(fault: Fault, liveMs: number): Fault | undefined {
  return liveMs >= fault.startMs && liveMs < fault.endMs ? fault : undefined
}

/**
 * The value of a series; undefined while it is silent.
 *
 * @param atMs milliseconds since the epoch
 * @param liveStartMs begin of the live phase: before it nothing goes wrong
 */
export function valueAt(series: DemoSeries, atMs: number, liveStartMs: number, seed: number): number | undefined {
  const fault = faultAt(atMs - liveStartMs)
  const effect = fault?.service === series.service ? fault.effects[series.metric] : undefined
  if (!fault || !effect) return healthyValue(series, atMs, seed)
  if (effect.kind === 'silence') return undefined
  if (effect.kind === 'flat') return healthyValue(series, liveStartMs + fault.startMs, seed)
  const reached = effect.kind === 'leak' ? (atMs - liveStartMs - fault.startMs) / (fault.endMs - fault.startMs) : 1
  const value = healthyValue(series, atMs, seed) * (1 + (effect.factor - 1) * reached)
  return series.metric === 'errors' ? Math.min(1, value) : value
}

/** Length of the rhythm: a day, compressed. */
const rhythmMs = 10 * 60 * secondMs

function healthyValue({ service, metric }: DemoSeries, atMs: number, seed: number): number {
  const { base, rhythm, noise } = shapes[metric]
  const { size } = services[service]
  const level = metric === 'requests' || metric === 'queue' ? base * size : base * (0.8 + size / 10)
  const wave = Math.sin((2 * Math.PI * atMs) / rhythmMs) + 0.3 * Math.sin((4 * Math.PI * atMs) / rhythmMs + size)
  return Math.max(0, level * (1 + rhythm * wave) * (1 + noise * gaussian(seed, `${service}/${metric}`, atMs)))
}

/** Standard normal, cut at four standard deviations: the demo is to show its faults and not the tail of its noise. */
function gaussian(seed: number, series: string, atMs: number): number {
  const hash = hashOf(seed, series, atMs)
  const radius = Math.sqrt(-2 * Math.log((hash + 1) / 2 ** 32))
  const angle = (2 * Math.PI * mix(hash ^ 0x9e3779b9)) / 2 ** 32
  return Math.max(-4, Math.min(4, radius * Math.cos(angle)))
}

/** 32 bits of seed, series and time. */
function hashOf(seed: number, series: string, atMs: number): number {
  let hash = mix(seed ^ mix(Math.floor(atMs / 2 ** 32)) ^ mix(atMs % 2 ** 32))
  for (let i = 0; i < series.length; i++) hash = mix(hash ^ series.charCodeAt(i))
  return hash
}

/** The finaliser of MurmurHash3: every bit of the input reaches every bit of the output. */
function mix(bits: number): number {
  let hash = bits >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
