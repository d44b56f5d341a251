/** One row of the table: a fault, how it is brought about, and what came of it. */
import type { Outcome } from '../checker/outcome.ts'
import type { Rig } from './rig.ts'

/** The long form takes what the fault is described with; the short one less of it, for every commit. */
export type Form = 'short' | 'long'

export interface FaultRow {
  /** As in docs/operations of the fault tests: the row of the list of faults. */
  readonly number: number
  readonly fault: string
  /** A broker of its own, because the fault is the broker's. */
  readonly ownBroker?: boolean
  /** Skipped, and named, where there is no toxiproxy. */
  readonly needsToxiproxy?: boolean
  /** Over how long the load is spread while the fault lasts; what is left is sent quickly when it is over. */
  readonly loadMs: Readonly<Record<Form, number>>
  /** Settings of every detector, `section.key=value`. */
  readonly settings?: readonly string[]
  /** Whether an owner may begin again before its last checkpoint, because that was damaged on purpose. */
  readonly stateMayGoBack?: boolean
  /** Most memory that a process may have taken, in bytes, where it is not the usual. */
  readonly memoryBound?: number
  /** Without it: one ingestor, one detector. */
  start?(rig: Rig): Promise<void>
  /** Runs beside the load; the row goes on when both are done. Rejects when something did not happen that had to. */
  disturb(rig: Rig): Promise<void>
  /** Whether the run without faults is that of the samples topic as it is, and not simply that of what was acknowledged. */
  readonly ownSamples?: boolean
  /** Sentences about what else was to hold and did not. */
  examine?(rig: Rig, outcome: Outcome): readonly string[] | Promise<readonly string[]>
}

export interface RowResult {
  readonly number: number
  readonly fault: string
  readonly samplesIn: number
  readonly learned: number
  /** Scores that differ from the run without faults; must be 0. */
  readonly differing: number
  readonly anomalies: number
  readonly anomaliesMissing: number
  readonly anomaliesExtra: number
  /** Score records written more than once, and how many that may be. */
  readonly repeats: number
  readonly repeatsBound: number | undefined
  /** Samples that were not learned, by reason. */
  readonly counted: Readonly<Record<string, number>>
  readonly seconds: number
  readonly violations: readonly string[]
  /** Of a row that failed: what its services warned of and took over, in order of time. */
  readonly story?: readonly string[]
}
