/**
 * Drift that lasts and has not gone away: it asks again, because a detector of change tells of a change once.
 *
 * A candidate may be rejected, and drift may be noticed while its entity must not ask; the model in force describes the data as little after that as
 * before. So while the scores keep half of the rise, judged on stretch after stretch, the entity asks again: after the cooldown, then after
 * twice, four times … as long, because what three trainings did not mend the fourth will hardly. A new model ends it, and so do scores that fall back.
 */
import { type AwaitedRise, awaitRise, observeRise, type Rise } from './lasting-rise.ts'

export interface StandingDrift<Drift extends Rise> {
  /** Of the stretch in hand. */
  readonly rise: AwaitedRise<Drift>
  /** Requests made for it so far. */
  readonly asks: number
  /** Of the samples, milliseconds since the epoch. */
  readonly nextAskMs: number
}

export type StandingOutcome<Drift extends Rise> =
  | { readonly kind: 'gone' }
  | { readonly kind: 'stands'; readonly standing: StandingDrift<Drift> }
  /** It may ask; `mean` is that of the newest scores. */
  | { readonly kind: 'due'; readonly standing: StandingDrift<Drift>; readonly mean: number }

export function beginStanding<Drift extends Rise>(drift: Drift, nextAskMs: number): StandingDrift<Drift> {
  return { rise: awaitRise(drift), asks: 0, nextAskMs }
}

/** A request was made for it. */
export function askedFor<Drift extends Rise>(
  { rise, asks }: StandingDrift<Drift>,
  atMs: number,
  cooldownMs: number,
): StandingDrift<Drift> {
  return { rise, asks: asks + 1, nextAskMs: atMs + cooldownMs * 2 ** asks }
}

/** The drift with one more score. */
export function observeStanding<Drift extends Rise>(
  standing: StandingDrift<Drift>,
  atMs: number,
  score: number,
): StandingOutcome<Drift> {
  const { rise, outcome } = observeRise(standing.rise, score)
  if (outcome === 'waits') return { kind: 'stands', standing: { ...standing, rise } }
  if (outcome === 'brief') return { kind: 'gone' }
  const next = { ...standing, rise: awaitRise(rise.drift) }
  return atMs < standing.nextAskMs ? { kind: 'stands', standing: next } : { kind: 'due', standing: next, mean: rise.mean }
}
