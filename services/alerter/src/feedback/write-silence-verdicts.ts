/** Writes the verdicts that silences stand for, one request of the log for all alerts of a silence. */
import { LogError } from '@lapwing/stream/errors'
import type { Logger } from 'pino'
import type { AlerterMetrics } from '../metrics.ts'
import type { SilenceVerdict } from './silence-verdicts.ts'
import type { JudgedPlace, VerdictWriter } from './verdict-writer.ts'

/** What the log does not take is asked for again with the next answer of Alertmanager. */
export async function writeSilenceVerdicts(
  verdicts: readonly SilenceVerdict[],
  { writer, metrics, logger }: { writer: VerdictWriter; metrics: Pick<AlerterMetrics, 'feedback'>; logger: Logger },
): Promise<void> {
  for (const own of groups(verdicts, ({ given }) => JSON.stringify(given)).values()) {
    const { given } = own[0]!
    try {
      const written = await writer.give(placesOf(own), given)
      if (written.length === 0) continue
      metrics.feedback('alertmanager', given.verdict, written.length)
      logger.info({ verdict: given.verdict, author: given.author, episodes: written.length }, 'verdicts of a silence written')
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      logger.warn({ code: error.code }, `verdicts of a silence wait for the log: ${error.message}`)
    }
  }
}

function placesOf(verdicts: readonly SilenceVerdict[]): JudgedPlace[] {
  return [...groups(verdicts, ({ partition }) => partition)].map(([partition, own]) => ({
    partition,
    episodeIds: own.map(({ episodeId }) => episodeId),
  }))
}

function groups<Key>(verdicts: readonly SilenceVerdict[], keyOf: (verdict: SilenceVerdict) => Key): Map<Key, SilenceVerdict[]> {
  const byKey = new Map<Key, SilenceVerdict[]>()
  for (const verdict of verdicts) byKey.set(keyOf(verdict), [...(byKey.get(keyOf(verdict)) ?? []), verdict])
  return byKey
}
