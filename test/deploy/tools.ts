/** Programs of others that the deployment checks use: from the path, else from the cache that `scripts/deploy-tools.mjs` fills. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'

/** Folder of the programs that were built or installed for these checks. */
export const toolsFolder = join(cacheDirectory(process.env, homedir()), 'tools')

/** Its path; undefined where it is neither in the cache nor on the path. */
export function findTool(name: string): string | undefined {
  const folders = [join(toolsFolder, 'bin'), ...(process.env.PATH ?? '').split(delimiter)]
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** Those that are not there; says so, because a check that does not run must not look like one that passed. */
export function absentTools(what: string, names: readonly string[]): string[] {
  const absent = names.filter((name) => findTool(name) === undefined)
  if (absent.length > 0) process.stderr.write(`skipped: ${what} needs ${absent.join(', ')}; see scripts/deploy-tools.mjs\n`)
  return absent
}
