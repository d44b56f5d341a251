/**
 * Which versions of an entity are forgotten: those that nobody will go back to. Pure.
 *
 * Kept are what is on its way, what is in force, what a rollback would bring back, and the newest `kept` of all, so that people can compare. A version that was
 * rejected may be promoted by hand as long as it is kept.
 */
import type { Model } from '@lapwing/contracts/records'
import type { ModelRegistry } from './registry.ts'

const finished: ReadonlySet<Model['state']> = new Set(['promoted', 'rejected', 'rolled_back'])

export function oldVersions(registry: ModelRegistry, kept: number): Model[] {
  return registry.scopes().flatMap((scope) => {
    const versions = registry.ofScope(scope)
    const newest = new Set(versions.slice(-kept))
    const [inForce, before] = versions.filter(({ state }) => state === 'promoted').sort((a, b) => b.stateAtMs - a.stateAtMs)
    const isOld = (model: Model) => finished.has(model.state) && !newest.has(model) && model !== inForce && model !== before
    return versions.filter(isOld)
  })
}
