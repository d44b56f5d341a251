/** `lapwing models promote` and `lapwing models rollback` */

import { modelScope } from '@lapwing/models/control-decision'
import { mayBecome, stateName } from '@lapwing/models/life'
import { jsonLine, visible } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { UserError } from '../user-error.ts'
import { askControl } from './ask-control.ts'
import { entityTextOf, modelJson, stateText } from './model-text.ts'
import { type FoundModel, findModel, readRegistries } from './read-registry.ts'

export interface ModelChange {
  readonly kind: 'promote' | 'rollback'
  readonly id: string
  readonly reason: string
  readonly atMs: number
  readonly json: boolean
}

/** Rejects with a UserError when it would change nothing. */
export async function changeModel(deployment: Deployment, { kind, id, reason, atMs, json }: ModelChange): Promise<void> {
  const found = findModel(await readRegistries(deployment), id)
  refuseWhenPointless(found, kind)
  const { modelId, scope } = found.model
  const { registry } = await askControl(deployment, {
    kind,
    scope: `${modelScope}${modelId}`,
    reason,
    partition: found.partition,
    atMs,
  })
  const after = registry.find(modelId)
  if (!after || after.stateAtMs === found.model.stateAtMs)
    throw new UserError(`The trainer declined it: ${modelId} is as it was.`)
  if (json) {
    deployment.write(jsonLine(modelJson(after, registry, found.partition)))
    return
  }
  const inForce = registry.inForce(scope)
  deployment.write(
    `${visible(`${modelId} of ${entityTextOf(after)} is ${stateText(after, registry)}.`)}\n${inForce ? `${inForce.modelId} scores the next samples.` : 'No model is in force for it now.'}\n`,
  )
}

function refuseWhenPointless({ model, registry }: FoundModel, kind: ModelChange['kind']): void {
  const { modelId, state } = model
  const isInForce = registry.inForce(model.scope)?.modelId === modelId
  if (kind === 'promote' && isInForce) throw new UserError(`${modelId} is in force already.`)
  if (kind === 'promote' && (!mayBecome(model, 'promoted') || model.sha256 === '')) {
    throw new UserError(`${modelId} is ${stateName(state)}: there is nothing to bring into force yet.`)
  }
  if (kind === 'rollback' && !isInForce && state !== 'shadow') {
    throw new UserError(`${modelId} is ${stateText(model, registry)}: only what is in force or in shadow can be rolled back.`)
  }
}
