/** What happens to what is kept: positions, states, samples. */
import { setTimeout as delay } from 'node:timers/promises'
import { encode } from '@lapwing/contracts/codec'
import type { StateMarker, StateSnapshot } from '@lapwing/contracts/records'
import type { LogRecord } from '@lapwing/stream/log'
import { markersOf, readableState } from '../checker/state-check.ts'
import { compactEagerly, deleteGroup, deleteSamplesBefore, isCompacted, setPositions } from '../harness/admin-acts.ts'
import type { FaultRow } from '../harness/fault-row.ts'
import type { Rig } from '../harness/rig.ts'

/** What can be wrong with a state record, and the name under which it must be told. */
const damages: readonly { readonly reason: string; damage(found: Found): Uint8Array | null }[] = [
  {
    reason: 'checksum',
    damage: ({ snapshot }) => encode('StateSnapshot', { ...snapshot, snapshot: flipped(snapshot.snapshot) }),
  },
  { reason: 'malformed', damage: ({ bytes }) => bytes.subarray(0, bytes.length >> 1) },
  { reason: 'layout', damage: ({ snapshot }) => encode('StateSnapshot', { ...snapshot, version: snapshot.version + 1 }) },
  { reason: 'config', damage: ({ snapshot }) => encode('StateSnapshot', { ...snapshot, configHash: 'another' }) },
  {
    reason: 'ahead_of_marker',
    damage: ({ snapshot }) => encode('StateSnapshot', { ...snapshot, sourceOffset: snapshot.sourceOffset + 1_000_000 }),
  },
  {
    reason: 'digest',
    damage: ({ snapshot }) => encode('StateSnapshot', { ...snapshot, sourceOffset: snapshot.sourceOffset - 1 }),
  },
  { reason: 'count', damage: () => null },
  { reason: 'no_marker', damage: () => null },
]

export const stateRows: readonly FaultRow[] = [
  {
    number: 13,
    fault: 'group positions deleted, set to the beginning, to the end',
    loadMs: { short: 18_000, long: 40_000 },
    disturb: async (rig) => {
      for (const act of [deleteGroup, (of: Rig) => setPositions(of, 'beginning'), (of: Rig) => setPositions(of, 'end')]) {
        await delay(rig.form === 'long' ? 3000 : 1000)
        await stopDetector(rig)
        await act(rig)
        await rig.takesOver(rig.startDetector())
      }
    },
  },
  {
    number: 15,
    fault: 'state damaged: bit, length, layout, configuration, count, marker',
    loadMs: { short: 45_000, long: 60_000 },
    stateMayGoBack: true,
    disturb: async (rig) => {
      for (const { reason, damage } of damages) {
        await rig.acknowledged(rig.sender.acknowledged.length + 20)
        await stopDetector(rig)
        await damageState(rig, reason, damage)
        const detector = rig.startDetector()
        const { reason: said } = await rig.said(detector, /^state not usable/)
        if (said !== reason) throw new Error(`a state with a wrong ${reason} was refused for its ${said}`)
      }
    },
  },
  {
    number: 16,
    ownSamples: true,
    fault: 'samples behind the checkpoint no longer retained',
    loadMs: { short: 15_000, long: 30_000 },
    disturb: async (rig) => {
      await rig.acknowledged(150)
      await stopDetector(rig)
      const stoppedAt = await rig.log.offsets(rig.topic('samples'))
      await rig.acknowledged(rig.sender.acknowledged.length + 30)
      const deleteBefore = stoppedAt.map(({ next }) => next + 20n)
      await noteGone(rig, deleteBefore)
      await deleteSamplesBefore(rig, deleteBefore)
      await rig.said(rig.startDetector(), /^the input no longer holds what comes after the state/)
    },
  },
  {
    number: 17,
    fault: 'state topic compacted while it is used',
    loadMs: { short: 45_000, long: 70_000 },
    disturb: async (rig) => {
      await compactEagerly(rig)
      for (const endMs = performance.now() + compactedWithinMs; !(await isCompacted(rig)); ) {
        if (performance.now() > endMs) throw new Error(`the broker compacted nothing within ${compactedWithinMs / 1000} s`)
        await delay(3000)
        await stopDetector(rig)
        await rig.takesOver(rig.startDetector())
      }
    },
  },
]

/** Compaction is the broker's own pace; only whether it happens counts here. */
const compactedWithinMs = 240_000

interface Found {
  readonly bytes: Uint8Array
  readonly snapshot: StateSnapshot
}

async function stopDetector(rig: Rig): Promise<void> {
  const detector = rig.detectors.at(-1)!
  rig.mayEnd(detector)
  const { code } = await detector.stop()
  if (code !== 0) throw new Error(`the detector stopped with ${code}`)
}

/** Writes a damaged record over one of the state of partition 0, or removes one. */
async function damageState(rig: Rig, reason: string, damage: (found: Found) => Uint8Array | null): Promise<void> {
  const topic = rig.topic('detector-state')
  const newest = new Map<string, LogRecord>()
  for (const record of await rig.log.readToEnd(topic, 0)) newest.set(Buffer.from(record.key!).toString('hex'), record)
  const wanted = reason === 'no_marker' ? 'StateMarker' : 'StateSnapshot'
  const isWanted = ({ value }: LogRecord) => value !== null && readableState(value)?.name === wanted
  const { key, value } = [...newest.values()].find(isWanted)!
  const producer = await rig.log.producer()
  const snapshot = readableState(value!)!.record as StateSnapshot
  await producer.send([{ topic, partition: 0, key, value: damage({ bytes: value!, snapshot }) }])
  await producer.close()
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[copy.length >> 1]! ^= 1
  return copy
}

/** What retention is about to take: learned up to the marker of each partition, the rest never. */
async function noteGone(rig: Rig, before: readonly bigint[]): Promise<void> {
  const state = await rig.log.readToEnd(rig.topic('detector-state'))
  const learnedUpTo = before.map((_, partition) => {
    const marker: StateMarker | undefined = markersOf(state.filter((record) => record.partition === partition)).at(-1)
    return BigInt(marker?.sourceOffset ?? -1)
  })
  for (const record of await rig.log.readToEnd(rig.topic('samples'))) {
    if (record.offset >= before[record.partition]!) continue
    if (record.offset <= learnedUpTo[record.partition]!) rig.gone.learned.push(record)
    else rig.gone.neverLearned.push(record)
  }
}
