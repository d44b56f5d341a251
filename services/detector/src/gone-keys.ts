/**
 * What a checkpoint writes of keys whose state comes and goes: of those that have none any more a tombstone, so that compaction takes the key off the state
 * topic. An empty state would stay there for as long as the deployment lives.
 */

/** Takes those out of `changed` that have no state any more. */
export function takeGone<Id>(changed: Set<Id>, hasState: (id: Id) => boolean): Id[] {
  const gone = [...changed].filter((id) => !hasState(id))
  for (const id of gone) changed.delete(id)
  return gone
}
