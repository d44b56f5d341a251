/** What happens to a detector's process: killed, stopped, asleep, one of several. */
import { setTimeout as delay } from 'node:timers/promises'
import { needlessMoves, needlessRestores } from '../checker/needless-restores.ts'
import type { FaultRow } from '../harness/fault-row.ts'
import { givenUp } from '../harness/membership-lines.ts'
import type { Rig } from '../harness/rig.ts'
import { partitions } from '../harness/workload.ts'

/** Longer than a session: others take over for certain. */
export const beyondSessionMs = 36_000

/** All 4 at first; 2 and 1 when two join one after the other; the 2 of each that leaves. */
const takeOversOfScaling = 4 + 3 + 2 + 2

export const scaled: FaultRow = {
  number: 5,
  fault: 'scaled 1 → 3 → 2 → 1 under load',
  loadMs: { short: 25_000, long: 45_000 },
  disturb: async (rig) => {
    const [first] = rig.detectors
    const [second, third] = [rig.startDetector(), rig.startDetector()]
    await Promise.all([rig.takesOver(second), rig.takesOver(third)])
    for (const leaving of [first!, second]) {
      await delay(rig.form === 'long' ? 6000 : 2000)
      const before = rig.takeOvers().length
      rig.mayEnd(leaving)
      await leaving.stop()
      await rig.moreTakeOvers(before)
    }
  },
  examine: (rig) => {
    const members = rig.memberships()
    return [...needlessRestores(members), ...needlessMoves(members, takeOversOfScaling, partitions)]
  },
}

export const detectorRows: readonly FaultRow[] = [
  {
    number: 0,
    fault: 'none',
    loadMs: { short: 4000, long: 8000 },
    disturb: async () => {},
  },
  {
    number: 1,
    fault: 'SIGKILL at random points under load',
    loadMs: { short: 60_000, long: 330_000 },
    disturb: async (rig) => {
      for (let kills = rig.form === 'long' ? 20 : 3; kills > 0; kills--) {
        const victim = rig.detectors.at(-1)!
        await rig.takesOver(victim)
        await delay(100 + 2000 * rig.random())
        rig.kill(victim)
        rig.startDetector()
      }
      await rig.takesOver(rig.detectors.at(-1)!)
    },
  },
  {
    number: 2,
    fault: 'SIGKILL between outputs, state transaction and position',
    loadMs: { short: 70_000, long: 110_000 },
    start: async (rig) => {
      await rig.startIngestor()
    },
    disturb: async (rig) => {
      const points = ['die-after-send:40', 'die-before-commit:6', 'die-in-commit:6', 'die-after-commit:6']
      const again = ['die-after-commit:1', 'die-before-commit:1']
      for (const fault of rig.form === 'long' ? [...points, ...again] : points) {
        const victim = rig.startDetector({ fault })
        rig.mayEnd(victim)
        await victim.exited
      }
      await rig.takesOver(rig.startDetector())
    },
  },
  {
    number: 3,
    fault: 'SIGTERM during a checkpoint, killed after 5 s',
    loadMs: { short: 12_000, long: 25_000 },
    start: async (rig) => {
      await rig.startIngestor()
    },
    disturb: async (rig) => {
      for (let stops = rig.form === 'long' ? 5 : 2; stops > 0; stops--) {
        const victim = rig.startDetector({ fault: 'slow-commit:1' })
        rig.mayEnd(victim)
        await rig.takesOver(victim)
        await rig.said(victim, /^checkpoint begins$/, { after: 4 })
        victim.signal('SIGTERM')
        await Promise.race([victim.exited, delay(5000).then(() => victim.signal('SIGKILL'))])
        await victim.exited
      }
      await rig.takesOver(rig.startDetector())
    },
  },
  {
    number: 4,
    fault: 'SIGSTOP in a checkpoint beyond the session, then SIGCONT',
    loadMs: { short: 50_000, long: 60_000 },
    start: async (rig) => {
      await rig.startIngestor()
    },
    disturb: async (rig) => {
      const sleeper = rig.startDetector({ fault: 'stop-before-commit:6' })
      rig.mayEnd(sleeper)
      await rig.takesOver(sleeper)
      const other = rig.startDetector()
      await rig.stands(sleeper)
      await delay(beyondSessionMs)
      await rig.takesOver(other)
      await delay(2000)
      sleeper.signal('SIGCONT')
      await rig.said(sleeper, /newer owner took over/, { deadlineMs: 60_000 }).catch(async (error: Error) => {
        // A process that is fenced ends; its last words are what counts.
        if (!/newer owner took over/.test(sleeper.output())) throw error
      })
      await rig.said(sleeper, givenUp)
    },
    examine: (rig) => needlessRestores(rig.memberships()),
  },
  scaled,
  {
    number: 6,
    fault: 'a member joins while another restores',
    loadMs: { short: 25_000, long: 45_000 },
    disturb: async (rig) => {
      for (let joins = rig.form === 'long' ? 3 : 1; joins > 0; joins--) {
        await delay(2500)
        await stopAll(rig)
        const restoring = rig.startDetector({ fault: 'slow-restore:1' })
        await rig.said(restoring, /^restore begins$/)
        const joining = rig.startDetector({ fault: 'slow-restore:1' })
        await Promise.all([rig.takesOver(restoring), rig.takesOver(joining)])
      }
    },
  },
  {
    number: 32,
    fault: 'event loop stands still for 20 s',
    loadMs: { short: 30_000, long: 60_000 },
    start: async (rig) => {
      await rig.startIngestor()
      await rig.startDetector({ fault: 'stall-in-send:60' }).ready
    },
    disturb: async (rig) => {
      await delay(5000)
      rig.startDetector()
      await delay(25_000)
    },
  },
]

async function stopAll(rig: Rig): Promise<void> {
  for (const detector of rig.detectors) {
    await detector.stop()
    rig.mayEnd(detector)
  }
}
