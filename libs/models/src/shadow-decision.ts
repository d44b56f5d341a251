/**
 * Whether a shadow may come into force, from what it and the model in force said of the same live rows. Pure.
 *
 * A shadow must not be louder than the model in force. But that one may be loud itself, which is why there is a shadow: a version that is as loud
 * beside it describes the rows as little. An incident makes both loud, and passes; data that still move make both loud, and go on. So a shadow that is
 * loud together with the model in force waits, for a bounded time. What justifies one that was rejected is the word of a person, who may promote it.
 */

export interface ShadowRows {
  /** Of the stretch that is judged now. */
  readonly rows: number
  /** Rows with a score above 1. */
  readonly above: number
  /** Of the model in force, over the same rows; undefined when there is none. */
  readonly aboveInForce: number | undefined
  /** Stretches that it has waited through already. */
  readonly waited: number
}

export interface ShadowDecision {
  readonly outcome: 'promote' | 'reject' | 'wait'
  /** Of rows above 1. */
  readonly share: number
  /** That the share may reach. */
  readonly limit: number
  /** For a person, with the numbers. */
  readonly reason: string
}

/** So often a shadow may say "anomalous" whatever the model in force says. */
const quietShare = 0.05
/** And not more often than this, whatever the model in force says: such a version does not describe the rows. */
const loudShare = 0.25
const mostStretches = 4

export function decideShadow({ rows, above, aboveInForce, waited }: ShadowRows): ShadowDecision {
  const share = above / rows
  const inForceShare = (aboveInForce ?? 0) / rows
  const limit = Math.min(loudShare, Math.max(quietShare, inForceShare))
  const isLoudTogether = share > limit && inForceShare > quietShare && share <= inForceShare + quietShare
  const outcome = share <= limit ? 'promote' : isLoudTogether && waited + 1 < mostStretches ? 'wait' : 'reject'
  const inForce = aboveInForce === undefined ? '' : `, the model in force ${percent(inForceShare)}`
  const after = waited === 0 ? '' : ` after ${waited * rows} others`
  const wouldDo = outcome === 'promote' ? '' : `; at most ${percent(limit)} would do`
  return {
    outcome,
    share,
    limit,
    reason: `in shadow for ${rows} rows${after}, called ${percent(share)} of them anomalous${inForce}${wouldDo}`,
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
