/** What each reason means, in a sentence for a person. */
const meanings: Readonly<Record<string, string>> = {
  level: 'The value left the level it had been at, by more than it usually varies.',
  spike: 'The value jumped away from what was expected of this moment.',
  season: 'At this time of day or week the value is usually another.',
  flatline: 'The value stands still for longer than it ever did.',
  silence: 'The series stopped sending while its source went on.',
  change: 'The value moves faster from one sample to the next than it usually does.',
  volatility: 'The value varies more than it usually does.',
  isolation: 'Level and change together are unlike anything among the last samples.',
  novelty: 'Nothing like it was seen before on this series.',
  trend: 'The value drifts in one direction for longer than it usually does.',
  resets: 'The counter starts again more often than it usually does.',
  multivariate: 'The series of this machine do not stand to one another as they usually do.',
}

/** Names may carry the series they are about: `multivariate:<series>`. */
export function reasonMeaning(name: string): string {
  const [kind, ...about] = name.split(':')
  const meaning = Object.hasOwn(meanings, kind!) ? meanings[kind!]! : ''
  return about.length > 0 ? `${meaning} Most of it comes from ${about.join(':')}.` : meaning
}
