import { createMatcher } from '@lapwing/alerting/matcher'
import type { Mute } from '@lapwing/alerting/mute'
import type { SaidVerdict } from '@lapwing/alerting/verdict'
import type { Alert } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { anomalyRecord } from '../../testing/anomalies.ts'
import { decideAlert } from '../decide-alert.ts'
import { type FiringAlert, type StandingVerdict, silenceVerdicts } from './silence-verdicts.ts'

const nowMs = 1_000_000
const silence = (differences: Partial<Mute> = {}): Mute => ({
  ...{
    id: 'silence s1',
    author: 'ada',
    comment: 'moving',
    startsAtMs: 900_000,
    endsAtMs: 2_000_000,
    intervals: [],
    windows: null,
  },
  matchers: [createMatcher('instance', '=', 'node-1:9100')],
  ...differences,
})
const policy = { minimumSeverity: 'warning', flapping: { slots: 20, slotMs: 1000, startRatio: 0.5, stopRatio: 0.25 } } as const
const alert: Alert = decideAlert(anomalyRecord({ episodeId: 'a' }), undefined, policy).alert
const firing = (said?: SaidVerdict): FiringAlert[] => [{ alert, said }]
const known: SaidVerdict = {
  ...{ verdict: 'known', author: 'ada', comment: 'moving (silence s1)', origin: 'alertmanager', atMs: 900_000 },
  untilMs: 2_000_000,
}
const standing = (said: SaidVerdict = known): StandingVerdict[] => [{ episodeId: 'a', partition: 3, said }]
const planned = (silences: Mute[], alerts: FiringAlert[], verdicts: StandingVerdict[] = []) =>
  silenceVerdicts(silences, alerts, verdicts, { partitionOf: () => 3, nowMs })

describe('a silence', () => {
  test('makes what it matches known until its end, said by its author', () => {
    expect(planned([silence()], firing())).toEqual([{ episodeId: 'a', partition: 3, given: known }])
  })

  test('that is known already, or matches nothing, says nothing', () => {
    expect(planned([silence()], firing(known), standing())).toEqual([])
    expect(planned([silence({ matchers: [createMatcher('instance', '=', 'other')] })], firing())).toEqual([])
  })

  test('leaves alone what a person said in another way, and one made by a program of ours says nothing', () => {
    expect(planned([silence()], firing({ ...known, verdict: 'confirmed', origin: 'slack' }))).toEqual([])
    expect(planned([silence()], firing({ ...known, verdict: 'undone', origin: 'cli' }))).toEqual([])
    expect(planned([silence({ author: 'lapwing' })], firing())).toEqual([])
  })

  test('that is taken back takes its verdict back, also when the alert is over', () => {
    const undone = [{ episodeId: 'a', partition: 3, given: { verdict: 'undone', origin: 'alertmanager', atMs: nowMs } }]
    expect(planned([], firing(known), standing())).toMatchObject(undone)
    expect(planned([], [], standing())).toMatchObject(undone)
  })

  test('that is put on again, or gets another end, is said again', () => {
    const longer = silence({ id: 'silence s2', endsAtMs: 3_000_000 })
    expect(planned([longer], firing(known), standing())).toMatchObject([{ given: { verdict: 'known', untilMs: 3_000_000 } }])
    expect(planned([silence()], firing({ ...known, verdict: 'undone' }))).toMatchObject([{ given: { verdict: 'known' } }])
  })

  test('whose time is over needs no undoing', () => {
    expect(planned([], [], standing({ ...known, untilMs: nowMs }))).toEqual([])
  })
})
