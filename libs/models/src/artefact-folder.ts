/** Artefacts as files of a folder, named by their SHA-256: written whole or not at all, and never written twice. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { artefactName, isArtefactName } from './artefact-name.ts'
import { type ArtefactStore, ArtefactStoreError } from './weights.ts'

/** The address is the name of the file, so that processes may mount the folder at different places. */
export function artefactFolder(folder: string): ArtefactStore {
  const told = (error: unknown) => new ArtefactStoreError(`${folder}: ${(error as Error).message}`, { cause: error })
  return {
    put: async (sha256, bytes) => {
      const name = artefactName(sha256)
      const unfinished = join(folder, `${name}.${process.pid}.unfinished`)
      try {
        await mkdir(folder, { recursive: true })
        await writeFile(unfinished, bytes)
        await rename(unfinished, join(folder, name))
        return name
      } catch (error) {
        throw told(error)
      }
    },
    get: async (uri) => {
      if (!isArtefactName(uri)) return undefined
      try {
        return await readFile(join(folder, uri))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw told(error)
      }
    },
    remove: async (uri) => {
      if (!isArtefactName(uri)) return
      await rm(join(folder, uri), { force: true }).catch((error: unknown) => {
        throw told(error)
      })
    },
  }
}
