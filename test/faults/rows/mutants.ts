/** Products that lack one thing that their promises need, each in the situation in which it matters: the checker has to notice. */
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultRow } from '../harness/fault-row.ts'
import { beyondSessionMs, scaled } from './detector-rows.ts'

export interface Mutant extends FaultRow {
  /** What the checker has to say, among other things. */
  readonly noticed: RegExp
}

export const mutants: readonly Mutant[] = [
  {
    number: 101,
    fault: 'no fencing: one who slept in a checkpoint writes it over that of the new owner',
    noticed: /^state goes back/,
    loadMs: { short: 50_000, long: 50_000 },
    start: async (rig) => {
      await rig.startIngestor()
    },
    disturb: async (rig) => {
      const sleeper = rig.startDetector({ fault: 'no-fencing:6' })
      rig.mayEnd(sleeper)
      await rig.takesOver(sleeper)
      const other = rig.startDetector()
      await rig.stands(sleeper)
      await delay(beyondSessionMs)
      await rig.takesOver(other)
      await delay(3000)
      sleeper.signal('SIGCONT')
      await delay(3000)
      rig.kill(sleeper)
    },
  },
  {
    number: 102,
    fault: 'checkpoint before its outputs: dies in between',
    noticed: /^I1 sample records have neither scores nor a dead letter/,
    loadMs: { short: 20_000, long: 20_000 },
    start: async (rig) => {
      await rig.startIngestor()
    },
    disturb: async (rig) => {
      const hasty = rig.startDetector({ fault: 'commit-before-flush:9' })
      rig.mayEnd(hasty)
      await hasty.exited
      await rig.takesOver(rig.startDetector())
    },
  },
  {
    number: 103,
    fault: 'no offset stamp: what the state has learned is read again',
    noticed: /^I1 score records of one sample record differ/,
    loadMs: { short: 10_000, long: 10_000 },
    disturb: async (rig) => {
      await rig.acknowledged(150)
      const [first] = rig.detectors
      rig.mayEnd(first!)
      await first!.stop()
      await rig.takesOver(rig.startDetector({ fault: 'no-offset-stamp:1' }))
    },
  },
  {
    number: 104,
    fault: '2xx before the acknowledgement: the ingestor is killed',
    noticed: /^I1 acknowledged samples are not on the samples topic/,
    loadMs: { short: 10_000, long: 10_000 },
    start: async (rig) => {
      await rig.startIngestor({ fault: 'acknowledge-early:1' })
      await rig.startDetector().ready
    },
    disturb: async (rig) => {
      await rig.acknowledged(150)
      rig.kill(rig.ingestors[0]!)
      await rig.startIngestor()
    },
  },
  {
    ...scaled,
    number: 105,
    fault: 'restores what it has: one of those that are scaled',
    noticed: /^detector 0 restored partition \d twice/,
    start: async (rig) => {
      await rig.startIngestor()
      await rig.startDetector({ fault: 'fenced-for-nothing:6' }).ready
    },
    disturb: async (rig) => {
      await rig.moreTakeOvers(4)
      await scaled.disturb(rig)
    },
  },
]
