/** Verdicts of people for tests, each on an episode of its own. */
import type { Feedback } from '@lapwing/contracts/records'

export function verdictOn(episode: number, about: Partial<Feedback> = {}): Feedback {
  return {
    id: `verdict ${episode}`,
    anomalyId: `anomaly ${episode}`,
    episodeId: `episode ${episode}`,
    seriesKey: 'ab',
    verdict: 'false_alarm',
    author: 'test',
    comment: '',
    origin: 'cli',
    atMs: 0,
    untilMs: null,
    startedAtMs: 2000,
    signature: null,
    ...about,
  }
}
