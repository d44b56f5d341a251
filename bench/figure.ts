/** A measured number, as it is printed: one JSON line. */
export interface Figure {
  /** `area/case`, the name under which the baseline knows it. */
  readonly bench: string
  readonly value: number
  readonly unit: string
  /** Another implementation measured in the same run, and how much better ours is (above 1: ours). */
  readonly peer?: string
  readonly peerValue?: number
  readonly ratio?: number
}

/** What a `*.bench.ts` file exports as `benches`: figures by name, each measured when called. */
export type Benches = Readonly<Record<string, () => Figure | Promise<Figure>>>

/** Calls per second of CPU time, after a warm-up: the median of `rounds` rounds, so that one disturbed round does not count. */
export function callsPerCpuSecond(batch: () => number, { rounds = 5, roundMs = 400 } = {}): number {
  measureRound(batch, roundMs)
  const rates = Array.from({ length: rounds }, () => measureRound(batch, roundMs)).sort((a, b) => a - b)
  return rates[Math.floor(rounds / 2)]!
}

function measureRound(batch: () => number, roundMs: number): number {
  const start = process.cpuUsage()
  const endMs = performance.now() + roundMs
  let calls = 0
  while (performance.now() < endMs) calls += batch()
  const { user, system } = process.cpuUsage(start)
  return calls / ((user + system) / 1e6)
}
