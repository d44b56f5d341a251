/** `lapwing models show` and `lapwing models diff` */
import type { Model } from '@lapwing/contracts/records'
import { type Column, jsonLine, textTable, visible } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { entityTextOf, metricOf, modelJson, stateText, timeText } from './model-text.ts'
import { type FoundModel, findModel, readRegistries } from './read-registry.ts'

export async function showModel(deployment: Deployment, id: string, { json }: { readonly json: boolean }): Promise<void> {
  const found = findModel(await readRegistries(deployment), id)
  const { model, registry, partition } = found
  if (json) {
    deployment.write(jsonLine(modelJson(model, registry, partition)))
    return
  }
  const lines = linesOf(found).map(([name, value]) => `${name.padEnd(12)} ${visible(value)}\n`)
  deployment.write([...lines, '\n', textTable(metricColumns, metricRows(model))].join(''))
}

const metricColumns: readonly Column[] = [
  { heading: 'NUMBER', align: 'left' },
  { heading: 'VALUE', align: 'right' },
]

function metricRows({ metrics }: Model): string[][] {
  return metrics.map(({ name, value }) => [name.replaceAll('_', ' '), numberText(value)])
}

function linesOf({ model, registry, partition }: FoundModel): (readonly [string, string])[] {
  return [
    ['model', model.modelId],
    ['entity', entityTextOf(model)],
    ['state', `${stateText(model, registry)} since ${timeText(model.stateAtMs)}`],
    ['decision', model.decision],
    ['asked for', `${timeText(model.createdAtMs)}, ${model.reason}`],
    ['learned from', `${timeText(model.trainedFromMs)} to ${timeText(model.trainedToMs)}, ${model.trainedRows} rows`],
    ['series', model.channels.join(', ')],
    ['parent', model.parentId || 'none'],
    ['settings', model.configHash],
    ['data', model.dataHash],
    [
      'weights',
      model.sha256 ? `SHA-256 ${model.sha256}, ${model.artefactUri || `on the topic, partition ${partition}`}` : 'none',
    ],
  ]
}

export async function diffModels(
  deployment: Deployment,
  ids: readonly [string, string],
  { json }: { readonly json: boolean },
): Promise<void> {
  const registries = await readRegistries(deployment)
  const [a, b] = ids.map((id) => findModel(registries, id)) as [FoundModel, FoundModel]
  const [one, other] = [new Set(a.model.channels), new Set(b.model.channels)]
  const gone = a.model.channels.filter((channel) => !other.has(channel))
  const added = b.model.channels.filter((channel) => !one.has(channel))
  const rows = differences(a, b)
  if (json) {
    const fields = Object.fromEntries(rows.map(([name, before, after]) => [name, [before, after]]))
    deployment.write(jsonLine({ from: a.model.modelId, to: b.model.modelId, fields, seriesGone: gone, seriesAdded: added }))
    return
  }
  const columns: readonly Column[] = [
    { heading: '', align: 'left' },
    { heading: a.model.modelId, align: 'left', maxCharacters: 60 },
    { heading: b.model.modelId, align: 'left', maxCharacters: 60 },
  ]
  deployment.write(rows.length === 0 ? 'They are alike.\n' : textTable(columns, rows))
  for (const channel of gone) deployment.write(`- ${visible(channel)}\n`)
  for (const channel of added) deployment.write(`+ ${visible(channel)}\n`)
}

/** What is not the same in both. */
function differences(a: FoundModel, b: FoundModel): string[][] {
  const fields = linesOf(a).map(([name, before], i) => [name, before, linesOf(b)[i]![1]])
  const names = new Set([...a.model.metrics, ...b.model.metrics].map(({ name }) => name))
  const numbers = [...names].map((name) => [
    name.replaceAll('_', ' '),
    numberText(metricOf(a.model, name)),
    numberText(metricOf(b.model, name)),
  ])
  return [...fields.filter(([name]) => name !== 'model' && name !== 'series'), ...numbers].filter(
    ([, one, two]) => one !== two,
  ) as string[][]
}

function numberText(value: number | undefined): string {
  if (value === undefined) return ''
  return Number.isInteger(value) ? String(value) : value.toFixed(3)
}
