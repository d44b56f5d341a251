/** What people get wrong, and what they are told: exit code, place and what was expected; and that nothing was started. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@lapwing/kafka-server/free-port'
import { afterAll, describe, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { processesWith } from './lapwing-process.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lapwing-bad-input-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const lapwing = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'lapwing'), ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, LAPWING_TEST_MARK: 'bad-input' },
  })

describe('a wrong configuration', () => {
  test('is told with file, line, key and what was expected; exit code 2; nothing is started', () => {
    const config = join(folder, 'wrong.yaml')
    writeFileSync(config, 'metrics: [up]\nwindow_minutes: soon\nalertmanager_url: nowhere\n')
    const { status, stderr, stdout } = lapwing('start', '--config', config)
    expect(status).toBe(2)
    expect(stderr).toContain(`${config}:2: detector.window_minutes: expected number; found "soon"`)
    expect(stderr).toContain(`${config}:3: alerter.alertmanager_url: expected`)
    expect(stdout).toBe('')
    expect(processesWith('bad-input')).toEqual([])
  })

  test('a service by itself says the same', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'services/detector/src/main.ts', '--set', 'detector.contamination=2'],
      { cwd: root, encoding: 'utf8' },
    )
    expect(status).toBe(2)
    expect(stderr).toBe('flag --set detector.contamination: detector.contamination: expected a share of at most 0.5; found 2\n')
  })
})

test('Kafka asked for where there is none: what to do, exit code 2, nothing left', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'lapwing'), 'start', '--log', 'kafka'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, JAVA_HOME: '/nowhere', DOCKER_HOST: 'unix:///nowhere/docker.sock', KAFKA_BROKERS: undefined },
  })
  expect(status).toBe(2)
  expect(stderr).toMatch(/^Kafka is wanted and none is to be had; set KAFKA_BROKERS, start Docker, or install Java 17/m)
  expect(stderr).not.toContain('    at ')
})

describe('the command line', () => {
  test('helps, from any folder', () => {
    const { status, stdout } = lapwing('--help')
    expect(status).toBe(0)
    expect(stdout).toMatch(/start .*\n[\s\S]*score /)
  })

  test('an unknown command or a missing option ends with exit code 2', () => {
    expect(lapwing('strat').status).toBe(2)
    expect(lapwing('alerts', 'list', '--nonsense')).toMatchObject({
      status: 2,
      stderr: "error: unknown option '--nonsense'\n(see lapwing alerts list --help)\n",
    })
    expect(lapwing('score').stderr).toContain("required option '-i, --input <path>' not specified")
    expect(lapwing('score', '--input', '/absent', '--output', folder)).toMatchObject({
      status: 2,
      stderr: '/absent: no such file or folder\n',
    })
  })
})

describe('Kafka down at the start', () => {
  test('of everything on one machine is told with what to do, and nothing starts', async () => {
    const brokerPort = await freePort()
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'lapwing'), 'start'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 180_000,
      env: { ...process.env, KAFKA_BROKERS: `127.0.0.1:${brokerPort}` },
    })
    expect(status).toBe(2)
    expect(stderr).toMatch(
      /Kafka at 127.0.0.1:\d+: the log does not answer: .*ECONNREFUSED.*\nStart it, or correct KAFKA_BROKERS/,
    )
    expect(stdout).not.toContain('page')
  })

  test('is said in one line per try, tried again, and the service is not ready', async () => {
    const [port, brokerPort] = [await freePort(), await freePort()]
    const service = spawn(process.execPath, ['--import', 'tsx', 'services/drift/src/main.ts', '--set', `drift.port=${port}`], {
      cwd: root,
      env: { ...process.env, KAFKA_BROKERS: `127.0.0.1:${brokerPort}` },
    })
    let output = ''
    service.stdout.on('data', (chunk) => {
      output += chunk
    })
    const exited = new Promise((resolve) => service.once('exit', resolve))
    try {
      const lines = () => output.split('\n').filter((line) => line.includes('"warn"') || line.includes('"error"'))
      await eventually(() => lines().length >= 2, { what: `two tries in ${output}`, deadlineMs: 180_000 })
      for (const line of lines()) {
        expect(JSON.parse(line)).toMatchObject({ level: 'warn', code: 'unreachable', retryInMs: expect.any(Number) })
      }
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`)
      expect(answer.status).toBe(503)
      expect(await answer.text()).toContain('log: the log does not answer')
      expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200)
    } finally {
      service.kill('SIGTERM')
    }
    expect(await exited).toBe(0)
  })
})
