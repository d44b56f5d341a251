/** Artefacts as files of a folder, named by their SHA-256: written whole or not at all, and never written twice. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ArtefactStore } from './weights.ts'

/** The address is the name of the file, so that processes may mount the folder at different places. */
export function artefactFolder(folder: string): ArtefactStore {
  return {
    put: (sha256, bytes) => {
      const name = `${sha256}.lwm`
      mkdirSync(folder, { recursive: true })
      const unfinished = join(folder, `${name}.${process.pid}.unfinished`)
      writeFileSync(unfinished, bytes)
      renameSync(unfinished, join(folder, name))
      return name
    },
    get: (uri) => {
      // The address comes from a record that others may write; it names a file of this folder and nothing else.
      if (!/^[0-9a-f]{64}\.lwm$/.test(uri)) return undefined
      try {
        return readFileSync(join(folder, uri))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
  }
}
