import { flappingPolicy } from '@lapwing/alerting/flapping'
import { encode } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import type { OutgoingRecord } from '@lapwing/stream/log'
import { expect, test } from 'vitest'
import { episode } from '../testing/anomalies.ts'
import { decodeSeries, type SeriesMemory, seriesStateKey } from './alert-state.ts'
import { alerterSchema } from './config.ts'
import { routingTree } from './route-config.ts'
import { createSeriesStep } from './series-step.ts'

const dayMs = 86_400_000
const { opened, resolved } = episode('a')
/** Later in the log than in the data, as after a pause of Lapwing. */
const firstWrittenMs = opened.observedAtMs + 50 * dayMs

/** The step on what the state topic holds, which it keeps up. */
function stepOn(states: Map<string, Uint8Array>, known = new Map<string, SeriesMemory>()) {
  for (const [key, bytes] of states) known.set(key.slice(seriesStateKey('').length), decodeSeries(bytes))
  const step = createSeriesStep(
    {
      policy: { minimumSeverity: 'warning', flapping: flappingPolicy(3_600_000) },
      route: routingTree(alerterSchema.parse({}).route),
      ...{ partition: 0, partitions: 1, alertsTopic: 'alerts', stateTopic: 'state' },
    },
    known,
  )
  const keep = ({ topic, key, value }: OutgoingRecord) => {
    if (topic !== 'state') return
    if (value) states.set(Buffer.from(key!).toString(), value)
    else states.delete(Buffer.from(key!).toString())
  }
  return (anomaly: Anomaly, writtenMs: number) => {
    const value = encode('Anomaly', anomaly)
    const record = { topic: 'anomalies', partition: 0, offset: 0n, timestampMs: writtenMs, key: null, value, headers: new Map() }
    step.process(record, keep)
    return [...states.keys()].sort()
  }
}

test('a series is forgotten when the log holds no record of its last episode any more, also across a restart; one that is ill stays', () => {
  const states = new Map<string, Uint8Array>()
  const first = stepOn(states)
  first(opened, firstWrittenMs)
  first(resolved, firstWrittenMs)
  first(episode('ill').opened, firstWrittenMs)
  const [a, b, ill] = ['a', 'b', 'ill'].map((name) => seriesStateKey(`series-of-${name}`))
  const afterRestart = stepOn(states)
  expect(afterRestart(episode('b').opened, firstWrittenMs + 34 * dayMs)).toEqual([a, b, ill])
  expect(afterRestart(episode('b').resolved, firstWrittenMs + 36 * dayMs)).toEqual([b, ill])
  expect(afterRestart(opened, firstWrittenMs + 37 * dayMs)).toEqual([a, b, ill])
})
