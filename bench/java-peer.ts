/**
 * Other people's implementations on the JVM, measured in the same run as ours.
 *
 * Jars are pinned and downloaded once, into the cache; the driver is a source file that Java compiles in memory. Where there is
 * no JDK, or a jar cannot be had, the figure stands without its peer and standard error says so.
 */
import { execFile } from 'node:child_process'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'
import { ensureJars, type JarSource, mavenCentral } from '@lapwing/kafka-server/download-jars'
import { findJava } from '@lapwing/kafka-server/java'
import { withPeer } from './peer.ts'

export interface JavaPeer {
  readonly name: string
  readonly jars: JarSource['jars']
  /** Path of a source file whose main class prints one JSON object. */
  readonly source: string
  readonly args: readonly string[]
}

/** What the driver prints; undefined, and a line on standard error, when it cannot be run here. */
export function runJavaPeer<Answer>({ name, jars, source, args }: JavaPeer): Promise<Answer | undefined> {
  return withPeer(name, async () => {
    const java = await findJava(process.env.JAVA_HOME)
    const paths = await ensureJars({
      jars,
      repository: process.env.MAVEN_REPOSITORY ?? mavenCentral,
      directory: join(cacheDirectory(process.env, homedir()), 'peers'),
      onProgress: () => {},
    })
    const { stdout } = await promisify(execFile)(java, [...oneCore, '-cp', paths.join(delimiter), source, ...args], {
      timeout: runTimeoutMs,
    })
    return JSON.parse(stdout) as Answer
  })
}

const oneCore = ['-XX:+UseSerialGC', '-XX:ActiveProcessorCount=1', '-Xmx4g']
const runTimeoutMs = 400_000
