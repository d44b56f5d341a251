/**
 * Which trace a record belongs to: its W3C `traceparent` header, written where a record comes into being and followed where one is processed.
 *
 * Only OpenTelemetry's API is used, which does nothing until a process sets an SDK up. A record without the header costs one look into
 * its headers, and traces begin only where something comes in from outside.
 *
 * Source: W3C Trace Context; OpenTelemetry semantic conventions for messaging.
 */
import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { LogRecord, OutgoingRecord } from './log.ts'

const header = 'traceparent'

/** The record as one of the trace that is being worked on; as it is when there is none. */
export function carrying(record: OutgoingRecord): OutgoingRecord {
  if (!trace.getActiveSpan()) return record
  const carrier: Record<string, string> = {}
  propagation.inject(context.active(), carrier)
  return { ...record, headers: new Map<string, string | Uint8Array>([...(record.headers ?? []), ...Object.entries(carrier)]) }
}

/** Does the work on a record within a span of its trace, which is active for what the work writes and logs. */
export function processing<Result>(
  { topic, partition, offset, headers }: LogRecord,
  service: string,
  work: () => Result,
): Result {
  const carried = headers.get(header)
  if (carried === undefined) return work()
  const parent = traceOf(Buffer.from(carried).toString()) ?? ROOT_CONTEXT
  const attributes = {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'messaging.kafka.offset': Number(offset),
  }
  const span = tracerOf(service).startSpan(`process ${topic}`, { kind: SpanKind.CONSUMER, attributes }, parent)
  try {
    return context.with(trace.setSpan(parent, span), work)
  } catch (error) {
    fail(span, error)
    throw error
  } finally {
    span.end()
  }
}

/** What is remembered of a trace while its work waits; undefined when there is none. */
export type TraceMark = Context | undefined

export function markTrace(): TraceMark {
  return trace.getActiveSpan() ? context.active() : undefined
}

/** Of a header `traceparent` that came from outside. */
export function traceOf(traceparent: string | undefined): TraceMark {
  if (traceparent === undefined) return undefined
  const parent = propagation.extract(ROOT_CONTEXT, { [header]: traceparent })
  return trace.getSpanContext(parent) ? parent : undefined
}

export interface SpanOptions {
  /** The trace it goes on with; of several the first, with links to the others. Left out: the one being worked on, or a new one. */
  readonly after?: readonly TraceMark[]
  readonly kind?: 'internal' | 'server' | 'client' | 'producer'
  readonly attributes?: Attributes
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
} as const

/** Does the work within a span of its own. */
export async function inSpan<Result>(
  service: string,
  name: string,
  { after, kind = 'internal', attributes = {} }: SpanOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const [first, ...others] = (after ?? []).filter((mark) => mark !== undefined)
  const parent = first ?? (after ? ROOT_CONTEXT : context.active())
  const links = others.flatMap((mark): Link[] => {
    const spanContext = trace.getSpanContext(mark)
    return spanContext ? [{ context: spanContext }] : []
  })
  const span = tracerOf(service).startSpan(name, { kind: kinds[kind], attributes, links }, parent)
  try {
    return await context.with(trace.setSpan(parent, span), work)
  } catch (error) {
    fail(span, error)
    throw error
  } finally {
    span.end()
  }
}

function tracerOf(service: string) {
  return trace.getTracer(`lapwing-${service}`)
}

function fail(span: Span, error: unknown): void {
  const { name, code } = error as { name?: string; code?: string }
  span.setAttribute('error.type', String(code ?? name ?? 'unknown'))
  span.setStatus({ code: SpanStatusCode.ERROR })
}
