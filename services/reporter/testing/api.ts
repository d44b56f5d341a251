/** The API over one series with one anomaly, on a log in memory, without a server. */
import { createPodMemory } from '@lapwing/alerting/pod-context'
import { encode } from '@lapwing/contracts/codec'
import type { Model } from '@lapwing/contracts/records'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { emptyModel } from '@lapwing/models/registry'
import { Secret } from '@lapwing/service/config-fields'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import Fastify, { type FastifyInstance } from 'fastify'
import { createAccess } from '../src/access.ts'
import { addApi } from '../src/api.ts'
import type { Scope } from '../src/config.ts'
import { createExplorer } from '../src/explore/explorer.ts'
import type { HistoryStore } from '../src/history-store.ts'
import { createLiveFeed } from '../src/live-feed.ts'
import { ModelVersions } from '../src/model-versions.ts'
import { MuteBook } from '../src/mute-book.ts'
import { addSecurityHeaders } from '../src/page-routes.ts'
import { createProjection, foldControl, foldScores } from '../src/projection.ts'
import { createRecordWriter } from '../src/record-writer.ts'
import { SettingsBook } from '../src/settings-book.ts'
import { openSqliteHistory } from '../src/sqlite-history.ts'
import { overview } from '../src/views.ts'
import { anomaly, notification, retrain } from './records.ts'
import { keyOf, labelled, scoreBatch } from './score-batch.ts'

const labels = labelled('latency', { service: 'checkout' })
export const seriesKey = keyOf(labels)
export const opened = anomaly({ id: 'a/open', episodeId: 'a', labels, startedAtMs: 2000 })

export const model: Model = {
  ...emptyModel,
  ...{ modelId: 'm/1', scope: 'entity:aa', kind: 'pca', state: 'promoted', sha256: 'ff' },
}

export interface ApiUnderTest {
  readonly http: FastifyInstance
  readonly history: HistoryStore
  readonly log: Log
}

/** @param tokens text of each token and what it may do */
export async function openApi(
  tokens: Readonly<Record<string, readonly Scope[]>> = {},
  host = '127.0.0.1',
): Promise<ApiUnderTest> {
  const projection = createProjection({ pointsPerSeries: 100, maxSeries: 100 })
  const history = await openSqliteHistory(undefined)
  const log = createInProcessLog()
  await log.ensureTopics(topicSpecs('test', 2))
  foldScores(
    projection,
    scoreBatch([{ labels, samples: [1000, 2000, 3000].map((timestampMs) => ({ timestampMs, value: timestampMs / 1000 })) }]),
  )
  foldControl(projection, retrain({ id: 'r', seriesKey, requestedAtMs: 2500 }))
  const muted = notification({ id: 'n', alertId: 'a', outcome: 'suppressed', reason: 'muted' })
  await history.record({ anomalies: [opened], notifications: [muted], judgements: [] })
  const known = Object.entries(tokens).map(([text, scopes], i) => ({
    name: `person-${i}`,
    token: new Secret(text),
    scopes: [...scopes],
  }))
  const models = new ModelVersions()
  const place = { topic: 'models', partition: 1, offset: 0n, timestampMs: 0, headers: new Map() }
  models.take({ ...place, key: Buffer.from(model.modelId), value: encode('Model', model) })
  const http = Fastify()
  addSecurityHeaders(http)
  await addApi(http, {
    projection,
    history,
    access: createAccess(known, host),
    explorer: createExplorer({}, { projection, history }),
    writer: createRecordWriter({
      log,
      topics: {
        feedback: topicName('test', 'feedback'),
        control: topicName('test', 'control'),
        mutes: topicName('test', 'mutes'),
      },
      partitions: 2,
      now,
    }),
    now,
    models,
    mutes: new MuteBook(),
    settings: new SettingsBook(),
    pods: createPodMemory(),
    feed: createLiveFeed({ maxClients: 0, maxBufferedBytes: 1, onDropped: () => {} }),
    overview: async () =>
      overview(projection, {
        nowMs: 5000,
        log: 'in-process',
        openAnomalies: 1,
        behindRecords: 0,
        explorer: '',
        queries: [],
        troubles: [],
        waitingFor: [],
      }),
  })
  return { http, history, log }
}

export const now = () => 5000
