/** `docs/consume.md`: its programs, as they stand there, read the anomalies of a real Kafka: every layout ever written, and a duplicate once. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decode } from '@lapwing/contracts/codec'
import { topicSpecs } from '@lapwing/contracts/topics'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'
import { startTestBroker, type TestBroker } from '@lapwing/kafka-server/test-broker'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anomalyRecord as describeAnomaly } from '../../services/alerter/testing/anomalies.ts'
import { anomalyRecord } from '../../services/detector/src/anomaly.ts'
import { absentTools, findTool, toolsFolder } from './tools.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const schemas = join(repository, 'libs/contracts/schemas')
/** A record in the first layout. */
const oldest = readFileSync(join(repository, 'libs/contracts/test/golden/Anomaly.301.bin'))
const topic = 'lapwing.anomalies.v1'
const python = join(toolsFolder, 'consumer/bin/python')
const avro = join(toolsFolder, 'avro/avro-1.12.0.jar')
for (const [path, what] of [
  [python, 'Python'],
  [avro, 'Java'],
]) {
  if (!existsSync(path!))
    process.stderr.write(`skipped: the ${what} program of docs/consume.md needs ${path}; see scripts/deploy-tools.mjs\n`)
}
const withoutJava = absentTools('the programs of docs/consume.md', ['java']).length > 0
const run = promisify(execFile)

describe.skipIf(withoutJava)('docs/consume.md', () => {
  let broker: TestBroker
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-consume-'))
    broker = await startTestBroker(process.env)
    const logger = { debug: () => {}, warn: () => {}, error: () => {} }
    const log = createKafkaLog({ brokers: broker.server.brokers, clientId: 'test', logger })
    await log.ensureTopics(topicSpecs('lapwing', 2))
    const source = {
      topic: 'lapwing.samples.v1',
      partition: 1,
      offset: 0n,
      timestampMs: 0,
      key: null,
      value: null,
      headers: new Map(),
    }
    const opened = describeAnomaly({ id: 'a', entityKey: '00'.repeat(16) })
    const ended = { ...opened, id: 'b', state: 'resolved' as const, value: 0.75, endedAtMs: opened.observedAtMs }
    const records = [opened, opened, ended].map((anomaly) => anomalyRecord(anomaly, source, topic))
    const old = { topic, partition: 0, key: null, value: oldest }
    const alien = { topic, partition: 0, key: null, value: Buffer.from([0, 0, 0, 255, 255, 1]) }
    const producer = await log.producer()
    await producer.send([old, alien, ...records])
    await producer.close()
    await log.close()
  }, 300_000)

  afterAll(async () => {
    await broker?.remove()
    await rm(folder, { recursive: true, force: true })
  })

  test.skipIf(!existsSync(python))('the Python program', async () => {
    await writeFile(join(folder, 'read.py'), program('python'))
    const { stdout } = await run(python, [join(folder, 'read.py'), broker.server.brokers[0], schemas], { timeout: 200_000 })
    const lines = stdout.trim().split('\n')
    expect(lines).toContain('open warning node_load1 node-1:9100 12.5 0.8 level')
    expect(lines).toContain('resolved warning node_load1 node-1:9100 0.75 0.8 level')
    expect(lines.some((line) => line.startsWith(oldestStart()))).toBe(true)
    expect(lines).toHaveLength(3)
  })

  test.skipIf(!existsSync(avro))('the Java program', async () => {
    await writeFile(join(folder, 'ReadAnomalies.java'), program('java'))
    const kafka = join(cacheDirectory(process.env, homedir()), 'kafka-4.1.2', '*')
    const args = ['-cp', `${avro}:${kafka}`, join(folder, 'ReadAnomalies.java'), broker.server.brokers[0], schemas]
    const { stdout } = await run('java', args, { timeout: 200_000 })
    expect(stdout).toContain('open warning node_load1 12.5\n')
    expect(stdout).toContain(oldestStart())
    expect(stdout.trim().split('\n')).toHaveLength(3)
  })

  test.skipIf(absentTools('the Go program of docs/consume.md', ['go']).length > 0)(
    'the Go program',
    { timeout: 600_000 },
    async () => {
      await writeFile(join(folder, 'main.go'), program('go'))
      await writeFile(join(folder, 'go.mod'), 'module example.com/read\n\ngo 1.24\n')
      const env = { ...process.env, GOFLAGS: '-buildvcs=false -mod=mod', CGO_ENABLED: '0' }
      await run('go', ['mod', 'tidy'], { cwd: folder, env })
      await run('go', ['build', '-p', '1', '-o', 'read', '.'], { cwd: folder, env })
      const { stdout } = await run(join(folder, 'read'), [broker.server.brokers[0], schemas], { timeout: 200_000 })
      expect(stdout).toContain('open warning node_load1 12.5\n')
      expect(stdout).toContain(oldestStart())
      expect(stdout.trim().split('\n')).toHaveLength(3)
    },
  )

  test.skipIf(absentTools('the kcat line of docs/consume.md', ['kcat']).length > 0)('the kcat line', async () => {
    const line = program('sh').trim().replace('localhost:9092', broker.server.brokers[0])
    const { stdout } = await run('sh', ['-c', line.replace(/^kcat/, findTool('kcat')!)], { timeout: 100_000 })
    expect(stdout).toMatch(
      /^1\/0 ce_specversion=1\.0,ce_id=a,.*ce_type=io\.lapwing\.anomaly\.open\.v1,.*content-type=application\/avro$/m,
    )
  })

  /** The two words every program begins its line with. */
  function oldestStart(): string {
    const { state, severity, metric } = decode('Anomaly', oldest)
    return `${state} ${severity} ${metric}`
  }
})

/** The first block of this language on the page. */
function program(language: string): string {
  const page = readFileSync(join(repository, 'docs/consume.md'), 'utf8')
  return page.split(`\`\`\`${language}\n`)[1]!.split('```')[0]!
}
