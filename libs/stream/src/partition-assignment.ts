/**
 * Who owns which partition: balanced, sticky and co-partitioned.
 *
 * A partition here is a number that stands for that partition of every topic of the group, so inputs and state stay together.
 * The shares of two members differ by at most one, and as few partitions move as that allows: what a member claims it keeps,
 * up to its share. Both adapters use it, so a group behaves the same on either.
 *
 * Blind to load: two partitions count alike, however unlike their traffic.
 */

export interface GroupMember {
  readonly id: string
  /** Partitions it owned until now. Of two members with one claim, the one with the smaller id is believed. */
  readonly claims: readonly number[]
}

/** The partitions of each member, ascending. Every partition from 0 to `partitions - 1` has exactly one owner. */
export function assignPartitions(members: readonly GroupMember[], partitions: number): Map<string, number[]> {
  const claimed = believedClaims(members, partitions)
  const shares = fairShares(claimed, partitions)
  const kept = new Map([...claimed].map(([id, claims]) => [id, claims.slice(0, shares.get(id))]))
  const owned = new Set([...kept.values()].flat())
  const free = Array.from({ length: partitions }, (_, partition) => partition).filter((partition) => !owned.has(partition))
  for (const [id, own] of kept) {
    own.push(...free.splice(0, shares.get(id)! - own.length))
    own.sort(ascending)
  }
  return kept
}

function believedClaims(members: readonly GroupMember[], partitions: number): Map<string, number[]> {
  const taken = new Set<number>()
  const claimed = new Map<string, number[]>()
  for (const { id, claims } of members.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const believed = [...new Set(claims)].filter((claim) => claim >= 0 && claim < partitions && !taken.has(claim)).sort(ascending)
    for (const claim of believed) taken.add(claim)
    claimed.set(id, believed)
  }
  return claimed
}

/** Where the partitions do not divide evenly, those who hold most get the larger shares: that moves least. */
function fairShares(claimed: ReadonlyMap<string, readonly number[]>, partitions: number): Map<string, number> {
  const smaller = Math.floor(partitions / claimed.size)
  const withLarger = partitions % claimed.size
  const byHoldings = [...claimed].sort(([, a], [, b]) => b.length - a.length)
  return new Map(byHoldings.map(([id], place) => [id, place < withLarger ? smaller + 1 : smaller]))
}

function ascending(a: number, b: number): number {
  return a - b
}
