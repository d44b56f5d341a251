/** What happens on the way to the broker: slow, cut, silent in one direction, an answer lost or cut in the middle. */
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../eventually.ts'
import type { FaultRow } from '../harness/fault-row.ts'
import type { Rig } from '../harness/rig.ts'
import type { Toxic } from '../harness/toxiproxy.ts'

/** The client's session; whoever is cut off must have been replaced after twice that. */
const sessionMs = 30_000

const slowNetwork: readonly Toxic[] = [
  { name: 'latency', type: 'latency', stream: 'downstream', attributes: { latency: 2000 } },
  { name: 'up', type: 'bandwidth', stream: 'upstream', attributes: { rate: 50 } },
  { name: 'down', type: 'bandwidth', stream: 'downstream', attributes: { rate: 50 } },
  { name: 'resets', type: 'reset_peer', stream: 'downstream', toxicity: 0.05, attributes: { timeout: 0 } },
]

export const networkRows: readonly FaultRow[] = [
  {
    number: 10,
    fault: '2 s latency, 50 KB/s, 5 % of connections reset',
    needsToxiproxy: true,
    loadMs: { short: 30_000, long: 60_000 },
    settings: ['detector.checkpoint_interval=5s'],
    disturb: async (rig) => {
      const proxy = await rig.proxy('all')
      await replaceServices(rig, { proxy })
      for (const toxic of slowNetwork) await proxy.add(toxic)
      await delay(rig.form === 'long' ? 60_000 : 20_000)
      for (const { name } of slowNetwork) await proxy.remove(name)
    },
  },
  {
    number: 11,
    fault: 'one-way black hole: nothing comes back, no FIN',
    needsToxiproxy: true,
    loadMs: { short: 60_000, long: 75_000 },
    start: async (rig) => {
      await rig.startIngestor()
    },
    disturb: async (rig) => {
      const proxy = await rig.proxy('detector')
      const cutOff = rig.startDetector({ proxy })
      await rig.takesOver(cutOff)
      const other = rig.startDetector()
      await rig.takesOver(other)
      await proxy.add({ name: 'hole', type: 'timeout', stream: 'downstream', attributes: { timeout: 0 } })
      await Promise.all([
        rig.said(cutOff, /^consuming pauses/, { deadlineMs: 2 * sessionMs }),
        rig.moreTakeOvers(rig.takeOvers().length, 2 * sessionMs),
      ])
      await proxy.remove('hole')
      await rig.said(cutOff, /^consuming goes on/, { deadlineMs: 2 * sessionMs })
    },
  },
  {
    number: 12,
    fault: 'answer to the commit of a transaction lost',
    needsToxiproxy: true,
    loadMs: { short: 25_000, long: 60_000 },
    settings: ['detector.checkpoint_interval=3s'],
    start: async (rig) => {
      await rig.startIngestor()
    },
    disturb: async (rig) => {
      const proxy = await rig.proxy('detector')
      await rig.takesOver(rig.startDetector({ proxy }))
      await proxy.add({ name: 'late', type: 'latency', stream: 'downstream', attributes: { latency: 1500 } })
      const wanted = rig.form === 'long' ? 4 : 1
      for (let cuts = 0; cuts < wanted || (cuts < mostCuts && !(await answerIsLost(rig))); cuts++) {
        await nextCommit(rig)
        await proxy.close()
        await delay(beyondPatienceMs)
        await proxy.open()
      }
      await proxy.remove('late')
    },
    examine: (rig) => (answerWasLost(rig) ? [] : ['no checkpoint failed, although answers were lost']),
  },
  {
    number: 37,
    fault: 'answers cut in the middle, as by a broker killed while it writes',
    needsToxiproxy: true,
    loadMs: { short: 30_000, long: 60_000 },
    settings: ['detector.checkpoint_interval=3s'],
    disturb: async (rig) => {
      const proxy = await rig.proxy('all')
      await replaceServices(rig, { proxy })
      for (const bytes of cutAfterBytes) {
        await proxy.add({ name: 'cut', type: 'limit_data', stream: 'downstream', attributes: { bytes } })
        await delay(rig.form === 'long' ? 15_000 : 5000)
        await proxy.remove('cut')
      }
    },
  },
]

/** Of each connection; in the middle of a size, of a greeting, of metadata, of records. */
const cutAfterBytes = [2, 203, 2003, 20_003]

/** More than twice as long as the client tries: within that it would ask again and get the answer after all. */
const beyondPatienceMs = 10_000
/** On a slow machine a commit may be seen only when its late answer has arrived after all: then the next one is cut. */
const mostCuts = 2

function answerWasLost(rig: Rig): boolean {
  return rig.detectors.some((detector) => detector.lines().some(({ msg }) => /a batch comes again/.test(msg)))
}

/** The detector tells it at its next batch, for which it has to join its group again: each of its steps takes as long as the late answers. */
async function answerIsLost(rig: Rig): Promise<boolean> {
  for (let tries = 0; tries < 200 && !answerWasLost(rig); tries++) await delay(200)
  return answerWasLost(rig)
}

/** The usual services again, with something between them and the broker. */
async function replaceServices(rig: Rig, fault: Parameters<Rig['startDetector']>[0]): Promise<void> {
  const before = [...rig.detectors, ...rig.ingestors]
  for (const service of before) rig.mayEnd(service)
  await Promise.all([rig.startIngestor(fault), rig.takesOver(rig.startDetector(fault))])
  for (const service of before) await service.stop()
}

/** Waits until the broker has committed a checkpoint: its owner cannot know yet, because every answer is late. Only what is new is read, to be in time. */
async function nextCommit(rig: Rig): Promise<void> {
  const topic = rig.topic('detector-state')
  const before = await rig.log.offsets(topic)
  const hasCommitted = async () => {
    for (const [partition, { next }] of (await rig.log.offsets(topic)).entries()) {
      const from = before[partition]!.next
      if (next === from) continue
      for await (const records of rig.log.readRange(topic, partition, from, next)) if (records.length > 0) return true
    }
    return false
  }
  await eventually(hasCommitted, { what: 'the broker commits a checkpoint', deadlineMs: 60_000, everyMs: 20 })
}
