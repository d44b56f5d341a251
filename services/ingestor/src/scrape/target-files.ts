/**
 * Service discovery by file: lists of targets that something else writes, read again at each refresh.
 *
 * A file that cannot be read or does not hold what it should keeps the targets it had, and that is told: a half-written file must not
 * stop the watching. A file that is gone has none.
 *
 * Source: Prometheus, `file_sd_config`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { type TargetGroup, targetGroup } from './scrape-settings.ts'

export interface TargetFiles {
  /** What the files hold now. */
  read(): TargetGroup[]
}

/** @param onProblem told when a file is damaged, once for each content */
export function watchTargetFiles(patterns: readonly string[], onProblem: (file: string, problem: string) => void): TargetFiles {
  const known = new Map<string, { text: string; groups: TargetGroup[] }>()
  return {
    read: () => {
      const files = patterns.flatMap(matchingFiles)
      for (const file of known.keys()) if (!files.includes(file)) known.delete(file)
      for (const file of files) {
        const last = known.get(file)
        const text = readOr(file, last?.text ?? '', (problem) => onProblem(file, problem))
        if (text === last?.text) continue
        known.set(file, { text, groups: groupsOf(text, last?.groups ?? [], (problem) => onProblem(file, problem)) })
      }
      return [...known.values()].flatMap(({ groups }) => groups)
    },
  }
}

const fileSchema = z.array(targetGroup)

function groupsOf(text: string, otherwise: TargetGroup[], onProblem: (problem: string) => void): TargetGroup[] {
  try {
    const result = fileSchema.safeParse(parse(text) ?? [])
    if (result.success) return result.data
    onProblem(z.prettifyError(result.error))
  } catch (error) {
    onProblem(error instanceof Error ? error.message : String(error))
  }
  return otherwise
}

function readOr(file: string, otherwise: string, onProblem: (problem: string) => void): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    onProblem(String((error as NodeJS.ErrnoException).code))
    return otherwise
  }
}

/** Files whose last part matches, sorted; the one `*` stands for anything but a slash. */
function matchingFiles(pattern: string): string[] {
  const folder = dirname(pattern)
  const [before = '', after] = basename(pattern).split('*')
  try {
    return readdirSync(folder)
      .filter((name) => (after === undefined ? name === before : matches(name, before, after)))
      .map((name) => join(folder, name))
      .sort()
  } catch {
    // A folder that is not there yet has no files.
    return []
  }
}

function matches(name: string, before: string, after: string): boolean {
  return name.length >= before.length + after.length && name.startsWith(before) && name.endsWith(after)
}
