/** The named reasons of outcomes as sentences, for a person who asks why. */

const sentences: Readonly<Record<string, string>> = {
  new: 'it began',
  escalated: 'it got worse',
  resolved: 'it ended',
  began_anew: 'its detector began anew and does not know of it any more',
  still_firing: 'it was held back for flapping and fired on',
  superseded: 'a later state was told in its place',
  duplicate: 'it said nothing new',
  outdated: 'a newer episode of the series had begun',
  grouped: 'it is part of an incident that the receiver knows',
  canary: 'it is a fault of the canary, put in on purpose',
  below_severity: 'it is below the minimum severity',
  over_before_told: 'it was over before it could be told',
  flapping: 'it comes and goes too often',
  muted: 'it is muted',
  too_short: 'it had not fired for the minimum duration',
  grouping: 'its incident was still being put together',
  over_budget: 'the budget of the route asks for a higher score',
  rate_limited: 'the receiver had its number of messages',
  false_alarm: 'a person says that it is a false alarm',
  expected: 'a person says that it is expected',
  known: 'a person says that it is known',
  refused: 'the receiver refused it for good',
}

/** The reason itself when it is none of those that are known. */
export function reasonText(reason: string): string {
  return Object.hasOwn(sentences, reason) ? sentences[reason]! : reason
}
