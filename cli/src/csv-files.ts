/** The `.csv` files below a folder. */
import { readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { UserError } from './user-error.ts'

export interface InputFile {
  readonly path: string
  /** Relative to the input folder. */
  readonly name: string
  readonly bytes: number
}

/** A folder (any depth) or one file; in the order of their names. Rejects with a UserError. */
export async function csvFiles(input: string): Promise<InputFile[]> {
  const root = await stat(input).catch(() => {
    throw new UserError(`${input}: no such file or folder`)
  })
  if (root.isFile()) return [{ path: input, name: '', bytes: root.size }]
  const entries = await readdir(input, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.csv'))
    .map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(paths.sort().map(async (path) => ({ path, name: relative(input, path), bytes: (await stat(path)).size })))
}
