/** Secrets and certificates in files that somebody replaces while the process runs. */
import { readFileSync } from 'node:fs'

/** The text of a file as it is now; while it cannot be read, as it is in the middle of a rotation, the text it had. */
export function rotatingFile(path: string): () => string {
  let last: string | undefined
  return () => {
    try {
      last = readFileSync(path, 'utf8')
    } catch (error) {
      if (last === undefined) throw error
    }
    return last
  }
}
