/** `lapwing train`: asks for a model of an entity, and follows it until it is in shadow, in force, or rejected. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Model } from '@lapwing/contracts/records'
import { entityKey, partitionOf, sortedLabels } from '@lapwing/contracts/series'
import { topicName } from '@lapwing/contracts/topics'
import { entityScopeOf } from '@lapwing/models/control-decision'
import { progressOf } from '@lapwing/models/training-progress'
import { createProgress, type Progress } from '../progress.ts'
import { jsonLine, visible } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { unlessAbsent } from '../topics/unless-absent.ts'
import { UserError } from '../user-error.ts'
import { askControl } from './ask-control.ts'
import { entityTextOf, modelJson, stateText } from './model-text.ts'
import { readRegistry } from './read-registry.ts'

export interface TrainingWish {
  /** `name=value` of the labels that make the entity, or its key of 32 hexadecimal digits. */
  readonly entity: readonly string[]
  readonly reason: string
  readonly atMs: number
  readonly follow: boolean
  readonly json: boolean
}

/** Rejects with a UserError, also when the model is rejected. */
export async function train(deployment: Deployment, wish: TrainingWish): Promise<void> {
  const key = entityKeyOf(wish.entity)
  const partitions = await unlessAbsent(deployment.log.partitionCount(topicName(deployment.prefix, 'control')))
  if (!partitions) throw new UserError('No service has started on these brokers, or kafka.topic_prefix is another.')
  const partition = partitionOf(key, partitions)
  const scope = entityScopeOf(key.toString('hex'))
  const { id, registry } = await askControl(deployment, {
    kind: 'retrain',
    scope,
    partition,
    reason: wish.reason,
    atMs: wish.atMs,
  })
  const asked = registry.all().find(({ requestId }) => requestId === id)
  if (!asked) {
    const underway = registry.ofScope(scope).at(-1)
    throw new UserError(
      underway ? `${underway.modelId} is on its way already (${underway.state}).` : 'The trainer declined it; its log says why.',
    )
  }
  const model = wish.follow ? await followed(deployment, partition, asked) : asked
  const after = await readRegistry(deployment, partition)
  if (wish.json) deployment.write(jsonLine(modelJson(model, after, partition)))
  else
    deployment.write(
      visible(`${model.modelId} of ${entityTextOf(model)} is ${stateText(model, after)}: ${model.decision}`).concat('\n'),
    )
  if (model.state === 'rejected') process.exitCode = 1
}

/** 16 bytes. Throws a UserError. */
function entityKeyOf(words: readonly string[]): Buffer {
  const [only] = words
  if (words.length === 1 && /^[0-9a-f]{32}$/.test(only!)) return Buffer.from(only!, 'hex')
  const pairs = words.map((word) => {
    const equals = word.indexOf('=')
    if (equals < 1) throw new UserError(`${word}: expected label=value, such as instance=node-1:9100, or the key of an entity.`)
    return [word.slice(0, equals), word.slice(equals + 1)] as const
  })
  const labels = sortedLabels(pairs)
  return entityKey(
    labels,
    labels.map(({ name }) => name),
  )
}

const restingStates: ReadonlySet<Model['state']> = new Set(['shadow', 'promoted', 'rejected', 'rolled_back'])
const pollMs = 500

async function followed(deployment: Deployment, partition: number, asked: Model): Promise<Model> {
  let progress: Progress | undefined
  let said = ''
  for (;;) {
    const model = (await readRegistry(deployment, partition)).find(asked.modelId) ?? asked
    if (restingStates.has(model.state)) {
      progress?.end()
      return model
    }
    const share = progressOf(model)?.share
    if (share !== undefined) {
      progress ??= createProgress({
        label: `training ${model.modelId}`,
        total: 1,
        stream: process.stderr,
        now: () => performance.now(),
      })
      progress.update(share)
    } else if (model.decision !== said) {
      progress?.end()
      said = model.decision
      process.stderr.write(`${visible(`${model.state}: ${model.decision}`)}\n`)
    }
    await delay(pollMs)
  }
}
