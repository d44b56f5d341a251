/** The DAGs, imported and run by a real Airflow. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { absentTools, findTool, toolsFolder } from './tools.ts'

const folder = fileURLToPath(new URL('../../deploy/airflow/', import.meta.url))
const programs = join(toolsFolder, 'airflow/bin')
const isAbsent = absentTools('the test of the DAGs', [join(programs, 'airflow')]).length > 0

interface DagList {
  readonly errors: Readonly<Record<string, string>>
  readonly dags: Readonly<Record<string, { readonly schedule: string; readonly tasks: Readonly<Record<string, string>> }>>
}

const listDags = `
import json, sys
sys.path.insert(0, sys.argv[1])
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
dags = {d.dag_id: {"schedule": d.timetable.summary, "tasks": {t.task_id: type(t).__name__ for t in d.tasks}} for d in bag.dags.values()}
print("\\n" + json.dumps({"errors": bag.import_errors, "dags": dags}))
`

const parse = `
import ast, sys
for file in sys.argv[1:]:
    ast.parse(open(file).read(), file)
`

test.skipIf(absentTools('the syntax of the DAGs', ['python3']).length > 0)('their files are Python', async () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.py'))
  expect(files.length).toBeGreaterThan(1)
  await promisify(execFile)(findTool('python3')!, ['-c', parse, ...files.map((name) => join(folder, name))])
})

describe.skipIf(isAbsent)('the DAGs', () => {
  let home: string

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lapwing-airflow-'))
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  test('are imported without errors, each task a pod', async () => {
    const { errors, dags } = await importDags({ LAPWING_ENTITIES: 'instance=node-1:9100;host=a zone=b' })
    expect(errors).toEqual({})
    const pod = 'KubernetesPodOperator'
    expect(dags).toEqual({
      lapwing_detection: { schedule: '0 2 * * *', tasks: { backtest: pod } },
      lapwing_retraining: {
        schedule: '0 4 * * 0',
        tasks: { evaluate: pod, 'train_instance_node-1_9100': pod, train_host_a_zone_b: pod },
      },
      lapwing_reports: { schedule: '0 6 * * 1', tasks: { report: pod } },
    })
  })

  test('are set by the environment', async () => {
    const { errors, dags } = await importDags({ LAPWING_AIRFLOW_RUN: 'bash', LAPWING_DETECTION_SCHEDULE: '30 1 * * *' })
    expect(errors).toEqual({})
    expect(dags.lapwing_detection).toEqual({ schedule: '30 1 * * *', tasks: { backtest: 'BashOperator' } })
  })

  test('say which variable is wrong', async () => {
    const { errors } = await importDags({ LAPWING_RETRIES: 'often' })
    expect(Object.values(errors).join()).toContain("LAPWING_RETRIES: expected a number, found 'often'")
  })

  test('run the command over the interval of the run; a failure is told', { timeout: 300_000 }, async () => {
    const said = join(home, 'said')
    const program = join(home, 'lapwing')
    await writeFile(program, `#!/bin/sh\nprintf '%s\\n' "$@" > ${said}\nexit "$ENDS_WITH"\n`, { mode: 0o755 })
    const told: string[] = []
    const server = createServer((request, response) => {
      request.on('data', (chunk) => told.push(String(chunk))).on('end', () => response.end())
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const environment = {
      LAPWING_AIRFLOW_RUN: 'bash',
      LAPWING_COMMAND: program,
      LAPWING_RETRIES: '0',
      LAPWING_FAILURE_WEBHOOK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    }
    await airflow(['airflow', 'db', 'migrate'], environment)
    const run = ['airflow', 'dags', 'test', 'lapwing_detection', '2026-03-02T02:00:00+00:00']
    await airflow(run, { ...environment, ENDS_WITH: '0' })
    expect((await readFile(said, 'utf8')).trim().split('\n')).toEqual([
      ...[
        'backtest',
        '--from',
        expect.stringMatching(/^2026-03-0\dT02:00:00Z$/),
        '--to',
        expect.stringMatching(/^2026-03-0\dT02:00:00Z$/),
      ],
    ])
    expect(told).toEqual([])
    await airflow(run, { ...environment, ENDS_WITH: '3' }).catch(() => undefined)
    server.close()
    expect(told.join()).toContain('lapwing_detection.backtest failed')
  })

  async function importDags(environment: Readonly<Record<string, string>>): Promise<DagList> {
    const output = await airflow(['python', '-c', listDags, folder], environment)
    return JSON.parse(output.trim().split('\n').at(-1)!) as DagList
  }

  async function airflow([program, ...args]: string[], environment: Readonly<Record<string, string>>): Promise<string> {
    const env = {
      ...process.env,
      AIRFLOW_HOME: home,
      AIRFLOW__CORE__DAGS_FOLDER: folder,
      AIRFLOW__CORE__LOAD_EXAMPLES: 'false',
      PYTHONDONTWRITEBYTECODE: '1',
      ...environment,
    }
    const { stdout } = await promisify(execFile)(join(programs, program!), args, { env, maxBuffer: 2 ** 26 })
    return stdout
  }
})
