/**
 * Commits of many queries over one producer: what comes while a transaction is under way goes out in the next one, together.
 *
 * A transaction costs a handful of requests however much it holds, and a hundred queries that are due at the same second would
 * otherwise wait for a hundred of them in turn. Nobody waits for company: an idle producer commits at once. All of a group fail
 * together, which costs nothing, because after a failure nobody goes on with that producer.
 */
import type { FencedProducer, OutgoingRecord } from '@lapwing/stream/log'

/** Resolves when these records are committed. Rejects with a LogError. */
export type Commit = (records: readonly OutgoingRecord[]) => Promise<void>

export function groupedCommits(producer: Pick<FencedProducer, 'commit'>): Commit {
  let waiting: { readonly records: OutgoingRecord[]; readonly done: Promise<void> } | undefined
  let last: Promise<unknown> = Promise.resolve()
  return (records) => {
    if (waiting) {
      waiting.records.push(...records)
      return waiting.done
    }
    const group: OutgoingRecord[] = [...records]
    const commit = () => {
      waiting = undefined
      return producer.commit(group)
    }
    const done = last.then(commit, commit)
    last = done
    waiting = { records: group, done }
    return done
  }
}
