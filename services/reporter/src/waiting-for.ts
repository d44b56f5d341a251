/**
 * Why the page may be empty, in sentences: nobody should have to guess where in the pipeline the samples stop.
 *
 * It looks at the topics in the order in which a sample passes them and names the first that holds nothing.
 */

export interface PipelineSigns {
  /** Conditions of this service that do not hold. */
  readonly failing: readonly string[]
  /** Polled queries that fail. */
  readonly troubles: readonly { readonly message: string }[]
  readonly seriesShown: number
  /** Records ever written to the topics; undefined when the log has not been asked or did not answer. */
  readonly sampleRecords: number | undefined
  readonly scoreRecords: number | undefined
  /** Age of the newest sample; null before the first. */
  readonly lagSeconds: number | null
  /** Records still to be read: while it is large, the samples shown are old because reading goes on. */
  readonly behindRecords: number
}

/** Empty when there is nothing to wait for. */
export function waitingFor(signs: PipelineSigns): string[] {
  if (signs.failing.length > 0) return signs.failing.map((condition) => `this service is not ready: ${condition}`)
  const troubles = troubleSentences(signs.troubles)
  if (signs.seriesShown === 0) return [...troubles, firstEmptyPlace(signs)]
  if (signs.behindRecords > caughtUpRecords) return [`reading the log: ${signs.behindRecords} records to go`]
  if (troubles.length > 0) return troubles
  if ((signs.lagSeconds ?? 0) > quietAfterSeconds) {
    return [`no new sample for ${Math.round((signs.lagSeconds ?? 0) / 60)} min: is the ingestor running, and its source?`]
  }
  return []
}

/** One for all of them: which they are and since when stands in the overview. */
function troubleSentences([first, ...others]: PipelineSigns['troubles']): string[] {
  if (!first) return []
  if (others.length > 0) return [`${others.length + 1} polled queries fail, first: ${first.message}`]
  return [`a polled query fails: ${first.message}`]
}

/** As many records may always be on their way. */
const caughtUpRecords = 100
const quietAfterSeconds = 300

function firstEmptyPlace({ sampleRecords, scoreRecords }: PipelineSigns): string {
  if (sampleRecords === undefined || scoreRecords === undefined) return 'asking the log what it holds'
  if (scoreRecords > 0) return `reading the log: ${scoreRecords} score records, no series in them yet`
  if (sampleRecords > 0) return `samples have arrived (${sampleRecords} records): waiting for the detector to score the first`
  return 'no samples yet: waiting for the ingestor to poll Prometheus or to receive a remote write'
}
