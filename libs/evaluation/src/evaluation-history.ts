/**
 * Evaluations that were kept, to be compared over time: one line of JSON each, the oldest first. The log forgets after 35 days, this does not.
 *
 * Each has a name, and one that is kept again under it takes the place of the former, so that doing it twice is doing it once.
 */
import { ConfigError } from '@lapwing/service/config'
import { z } from 'zod'
import type { Evaluation } from './accuracy-evaluator.ts'

const share = z.number().min(0).max(1).nullable()
const count = z.int().min(0)

const keptSchema = z.strictObject({
  /** Such as `weekly 2026-W09`. */
  name: z.string().min(1).max(200),
  fromMs: z.number(),
  toMs: z.number(),
  episodes: count,
  /** By labels; null where nobody wrote any down. */
  precision: share,
  recall: share,
  f1: share,
  medianDelayMs: z.number().nullable(),
  falseAlarmsPerDay: z.number().nullable(),
  /** By verdicts. */
  judged: count,
  verdictPrecision: share,
  /** Of the canary; 0 where there is none. */
  faults: count,
  faultsFound: count,
  faultDelayMs: z.number().nullable(),
})

export type KeptEvaluation = Readonly<z.output<typeof keptSchema>>

/** @param canary undefined where none is on the log */
export function keptEvaluation(name: string, evaluation: Evaluation, canary: Evaluation | undefined): KeptEvaluation {
  const { fromMs, toMs, all } = evaluation
  const { precision = null, recall = null, f1 = null, medianDelayMs = null, falseAlarmsPerDay = null } = all.byLabels ?? {}
  const found = canary?.all.byLabels
  return {
    ...{ name, fromMs, toMs, episodes: all.episodes, precision, recall, f1, medianDelayMs, falseAlarmsPerDay },
    ...{ judged: all.byVerdicts.judged, verdictPrecision: all.byVerdicts.precision },
    ...{ faults: found?.counts.events ?? 0, faultsFound: found?.counts.eventsFound ?? 0 },
    faultDelayMs: found?.medianDelayMs ?? null,
  }
}

/** The found share of the faults of the canary. */
export function faultRecall({ faults, faultsFound }: KeptEvaluation): number | null {
  return faults > 0 ? faultsFound / faults : null
}

export function withEvaluation(history: readonly KeptEvaluation[], one: KeptEvaluation): KeptEvaluation[] {
  return [...history.filter(({ name }) => name !== one.name), one].sort((a, b) => a.toMs - b.toMs || (a.name < b.name ? -1 : 1))
}

export function historyText(history: readonly KeptEvaluation[]): string {
  return history.map((one) => `${JSON.stringify(one)}\n`).join('')
}

/** Throws ConfigError, which names file and line. */
export function parseHistory(text: string, file: string): KeptEvaluation[] {
  return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [parseLine(line, `${file}:${i + 1}`)]))
}

function parseLine(line: string, place: string): KeptEvaluation {
  const result = keptSchema.safeParse(jsonOf(line))
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new ConfigError([
    `${place}: expected an evaluation that was kept; ${issue!.path.join('.') || 'the line'}: ${issue!.message}`,
  ])
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
