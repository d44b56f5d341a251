/** Goes on with the trace of an alert when its message is sent, which is later and in another turn than its record was read. */
import { inSpan, markTrace, type TraceMark } from '@lapwing/stream/trace-context'
import type { Receiver } from './receiver.ts'

export interface DeliveryTraces {
  /** The record in hand is news of these alerts. */
  note(alertIds: readonly string[]): void
  /** The receiver, with a span around each request about an alert whose trace is known. */
  through(receiver: Receiver): Receiver
}

/** Of the alerts whose news came last; older ones are sent without a trace. */
const mostMarks = 10_000

export function createDeliveryTraces(): DeliveryTraces {
  const marks = new Map<string, TraceMark>()
  return {
    note: (alertIds) => {
      const mark = markTrace()
      if (!mark) return
      for (const id of alertIds) {
        marks.delete(id)
        marks.set(id, mark)
      }
      for (const oldest of marks.keys()) {
        if (marks.size <= mostMarks) break
        marks.delete(oldest)
      }
    },
    through: (receiver) => ({
      ...receiver,
      deliver: (deliveries, signal) => {
        const after = deliveries.map(({ alert }) => marks.get(alert.id)).filter((mark) => mark !== undefined)
        if (after.length === 0) return receiver.deliver(deliveries, signal)
        return inSpan('alerter', `deliver ${receiver.name}`, { kind: 'client', after }, () =>
          receiver.deliver(deliveries, signal),
        )
      },
    }),
  }
}
