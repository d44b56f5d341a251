/** What happens to the broker: killed, away for long, asleep. */
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultRow } from '../harness/fault-row.ts'

const asleepMs = 30_000

export const brokerRows: readonly FaultRow[] = [
  {
    number: 7,
    fault: 'broker SIGKILL and restart',
    ownBroker: true,
    loadMs: { short: 15_000, long: 30_000 },
    disturb: async (rig) => {
      let { server } = rig.broker!
      for (let kills = rig.form === 'long' ? 2 : 1; kills > 0; kills--) {
        await rig.acknowledged(rig.sender.acknowledged.length + 60)
        await server.kill()
        server = await rig.broker!.restart()
        await rig.acknowledged(rig.sender.acknowledged.length + 20)
      }
    },
  },
  {
    number: 8,
    fault: 'broker away (60 s; short form 15 s)',
    ownBroker: true,
    loadMs: { short: 15_000, long: 30_000 },
    disturb: async (rig) => {
      await rig.acknowledged(100)
      await rig.broker!.server.kill()
      await Promise.all([delay(rig.form === 'long' ? 60_000 : 15_000), rig.refused('503')])
      await rig.broker!.restart()
      await rig.acknowledged(200)
    },
  },
  {
    number: 9,
    fault: 'broker asleep for 30 s',
    ownBroker: true,
    loadMs: { short: 15_000, long: 30_000 },
    disturb: async (rig) => {
      await rig.acknowledged(100)
      const { pid } = rig.broker!.server
      process.kill(pid, 'SIGSTOP')
      try {
        await Promise.all([delay(asleepMs), rig.said(rig.detectors[0]!, /^consuming pauses/)])
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      await rig.acknowledged(200)
    },
  },
]
