import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cacheDirectory } from './cache-directory.ts'
import { chooseLog, type LogWishes } from './choose-log.ts'
import { majorVersion } from './java.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-choose-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A machine with nothing: no Docker socket, no Java. */
const nothing: LogWishes = {
  brokers: [],
  forced: undefined,
  cacheDirectory: join(folder, 'cache'),
  dataDirectory: join(folder, 'data'),
  repository: 'http://127.0.0.1:1',
  javaHome: '/nowhere',
  dockerHost: 'unix:///nowhere/docker.sock',
  onProgress: () => undefined,
}

test('brokers that are named are taken as they are', async () => {
  const brokers = ['kafka-1:9092', 'kafka-2:9092']
  expect(await chooseLog({ ...nothing, brokers })).toMatchObject({ kind: 'kafka', brokers })
})

test('without anything it is the log within the process, and every reason is told', async () => {
  const { kind, brokers, why } = await chooseLog(nothing)
  expect({ kind, brokers }).toEqual({ kind: 'in-process', brokers: [] })
  expect(why).toContain('no Docker engine answers')
  expect(why).toContain('/nowhere/bin/java does not run')
})

test('the log within the process can be asked for, whatever else there is', async () => {
  const chosen = await chooseLog({ ...nothing, brokers: ['kafka:9092'], forced: 'in-process' })
  expect(chosen.kind).toBe('in-process')
})

test('asking for Kafka where there is none fails and tells what to do', async () => {
  const choosing = chooseLog({ ...nothing, forced: 'kafka' })
  await expect(choosing).rejects.toMatchObject({ code: 'no_kafka' })
  await expect(choosing).rejects.toThrow(/set KAFKA_BROKERS, start Docker, or install Java 17.*no Docker engine answers/)
})

test('the cache is where LAPWING_CACHE says, else where the user keeps caches', () => {
  expect(cacheDirectory({ LAPWING_CACHE: '/a', XDG_CACHE_HOME: '/b' }, '/home/x')).toBe('/a')
  expect(cacheDirectory({ XDG_CACHE_HOME: '/b' }, '/home/x')).toBe('/b/lapwing')
  expect(cacheDirectory({}, '/home/x')).toBe('/home/x/.cache/lapwing')
})

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['openjdk version "21" 2023-09-19', 21],
  ['java version "1.8.0_292"', 8],
  ['command not found', undefined],
])('%s is Java %s', (text, version) => {
  expect(majorVersion(text)).toBe(version)
})
