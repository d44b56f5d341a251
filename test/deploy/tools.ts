/** Programs of others that the deployment checks use: from the path, else from the cache that `scripts/deploy-tools.mjs` fills. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, delimiter, join, resolve } from 'node:path'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'

/** Folder of the programs that were built or installed for these checks. */
export const toolsFolder = join(cacheDirectory(process.env, homedir()), 'tools')

/** Its path, by its name or an absolute path; undefined where it is neither in the cache nor on the path. */
export function findTool(name: string): string | undefined {
  const folders = [join(toolsFolder, 'bin'), ...(process.env.PATH ?? '').split(delimiter)]
  return folders.map((folder) => resolve(folder, name)).find((path) => existsSync(path))
}

/** What a machine has from the packages of its distribution. */
const packaged: ReadonlySet<string> = new Set(['promtool', 'amtool', 'docker-compose', 'python3'])

/** `LAPWING_DEPLOY=short`: what needs nothing else and takes a minute together, for every commit. */
const isShort = process.env.LAPWING_DEPLOY === 'short'

/** Those that are not there, or left to the long form; says so, because a check that does not run must not look like one that passed. */
export function absentTools(what: string, names: readonly string[]): string[] {
  const left = isShort ? names.filter((name) => !packaged.has(name)) : []
  const absent = names.filter((name) => !left.includes(name) && findTool(name) === undefined)
  if (left.length > 0) process.stderr.write(`skipped: ${what} is left to the long form (${listed(left)})\n`)
  if (absent.length > 0) process.stderr.write(`skipped: ${what} needs ${listed(absent)}; see scripts/deploy-tools.mjs\n`)
  return [...left, ...absent]
}

function listed(names: readonly string[]): string {
  return names.map((name) => basename(name)).join(', ')
}
