/** How artefacts are called, in every store. An address comes from a record that others may write: it names an artefact, and leads nowhere else. */

export function artefactName(sha256: string): string {
  return `${sha256}.lwm`
}

export function isArtefactName(uri: string): boolean {
  return /^[0-9a-f]{64}\.lwm$/.test(uri)
}
