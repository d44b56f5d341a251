/** `lapwing models list` */
import type { Model } from '@lapwing/contracts/records'
import type { ModelRegistry } from '@lapwing/models/registry'
import { type Column, jsonLine, textTable } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { entityTextOf, metricText, modelJson, nextRunMs, stateText, timeText } from './model-text.ts'
import { readRegistries } from './read-registry.ts'

const columns: readonly Column[] = [
  { heading: 'ID', align: 'left', maxCharacters: 40 },
  { heading: 'ENTITY', align: 'left', maxCharacters: 40 },
  { heading: 'STATE', align: 'left' },
  { heading: 'ASKED', align: 'left' },
  { heading: 'ROWS', align: 'right' },
  { heading: 'SERIES', align: 'right' },
  { heading: 'PRECISION', align: 'right' },
  { heading: 'RECALL', align: 'right' },
  { heading: 'NEXT', align: 'left' },
  { heading: 'WHY', align: 'left', maxCharacters: 60 },
]

export async function listModels(deployment: Deployment, { json }: { readonly json: boolean }): Promise<void> {
  const registries = await readRegistries(deployment)
  const models = registries
    .flatMap((registry, partition) => registry.all().map((model) => ({ model, registry, partition })))
    .sort((a, b) =>
      a.model.scope < b.model.scope ? -1 : a.model.scope > b.model.scope ? 1 : b.model.createdAtMs - a.model.createdAtMs,
    )
  if (json) {
    deployment.write(models.map(({ model, registry, partition }) => jsonLine(modelJson(model, registry, partition))).join(''))
    return
  }
  const rows = models.map(({ model, registry }) => [
    model.modelId,
    entityTextOf(model),
    stateText(model, registry),
    timeText(model.createdAtMs),
    String(model.trainedRows || ''),
    String(model.channels.length || ''),
    metricText(model, 'precision'),
    metricText(model, 'recall'),
    nextText(model, registry),
    model.state === 'rejected' ? model.decision : model.reason,
  ])
  deployment.write(rows.length === 0 ? 'No models yet. Ask for one: lapwing train --help\n' : textTable(columns, rows))
}

function nextText(model: Model, registry: ModelRegistry): string {
  const atMs = nextRunMs(model, registry)
  return atMs === undefined ? '' : timeText(atMs)
}
