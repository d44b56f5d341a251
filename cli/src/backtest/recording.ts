/**
 * What a query answered over a past range, given out again window by window, as a poller would have asked for it.
 *
 * Each piece of the range is fetched once, however many configurations are tried on it.
 */
import { type EvaluationRange, pointsPerRequestMax } from '@lapwing/prometheus/alignment'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'

/** Fetches the points of a range; those at its start are in it. */
export type FetchRange = (range: EvaluationRange) => Promise<readonly QuerySeries[]>

export interface Recording {
  /** Windows come in the order of time, and none reaches beyond `toMs`. */
  ask(window: EvaluationRange): Promise<readonly QuerySeries[]>
}

/** Fetched once each, for all recordings that are made with it. */
export type FetchedRanges = Map<string, Promise<readonly QuerySeries[]>>

/** @param toMs nothing after it is fetched */
export function createRecording(fetch: FetchRange, toMs: number, fetched: FetchedRanges): Recording {
  let loaded: Piece | undefined
  return {
    ask: async (window) => {
      if (!loaded || window.endMs > loaded.range.endMs) {
        const range = { ...window, endMs: Math.max(window.endMs, pieceEndMs(window, toMs)) }
        const key = `${range.startMs} ${range.endMs} ${range.stepMs}`
        const answer = fetched.get(key) ?? fetch(range)
        fetched.set(key, answer)
        loaded = new Piece(range, await answer)
      }
      return loaded.window(window)
    },
  }
}

function pieceEndMs({ startMs, stepMs }: EvaluationRange, toMs: number): number {
  const steps = Math.min(pointsPerRequestMax, Math.floor((toMs - startMs) / stepMs) + 1)
  return startMs + (steps - 1) * stepMs
}

/** A fetched range, and how far each of its series has been given out. */
class Piece {
  readonly range: EvaluationRange
  readonly #series: readonly QuerySeries[]
  readonly #next: Uint32Array

  constructor(range: EvaluationRange, series: readonly QuerySeries[]) {
    this.range = range
    this.#series = series
    this.#next = new Uint32Array(series.length)
  }

  /** The points after the step before the window, up to its end. */
  window({ endMs }: EvaluationRange): QuerySeries[] {
    const taken: QuerySeries[] = []
    for (let i = 0; i < this.#series.length; i++) {
      const { labels, timestampsMs, values } = this.#series[i]!
      const from = this.#next[i]!
      let to = from
      while (to < timestampsMs.length && timestampsMs[to]! <= endMs) to++
      if (to === from) continue
      this.#next[i] = to
      // Mostly one, for which a slice takes several times as long.
      if (to === from + 1) taken.push({ labels, timestampsMs: [timestampsMs[from]!], values: [values[from]!] })
      else taken.push({ labels, timestampsMs: timestampsMs.slice(from, to), values: values.slice(from, to) })
    }
    return taken
  }
}
