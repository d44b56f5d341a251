/** Finds a Java that is new enough for Kafka's broker. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { KafkaServerError } from './errors.ts'

/** Kafka 4 runs its broker on nothing older. */
const oldestVersion = 17

/** The command that starts it: from `javaHome` when given, else from the path. Rejects with `no_java`. */
export async function findJava(javaHome: string | undefined): Promise<string> {
  const java = javaHome ? join(javaHome, 'bin', 'java') : 'java'
  let stderr: string
  try {
    stderr = (await promisify(execFile)(java, ['-version'])).stderr
  } catch (error) {
    throw new KafkaServerError('no_java', `${java} does not run`, error)
  }
  const version = majorVersion(stderr)
  if (version === undefined || version < oldestVersion)
    throw new KafkaServerError('no_java', `${java} is ${stderr.split('\n')[0]}`)
  return java
}

/** 17 of `openjdk version "17.0.15" 2025-04-15`, 8 of `java version "1.8.0_292"`. */
export function majorVersion(text: string): number | undefined {
  const found = /version "(?:1\.)?(\d+)/.exec(text)
  return found ? Number(found[1]) : undefined
}
