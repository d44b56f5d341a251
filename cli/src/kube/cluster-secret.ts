/** `lapwing kube secret set`: the text goes in and is never shown, nor its length. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { text as readAll } from 'node:stream/consumers'
import { allSections } from '../start/all-config.ts'
import { UserError } from '../user-error.ts'
import type { Cluster } from './cluster.ts'
import { replacePods } from './replace-pods.ts'

export interface SecretSetting {
  /** Of the Helm release or the plain manifests: the beginning of all names. */
  readonly release: string
  readonly service: string
  readonly variable: string
  readonly text: string
}

/** Without the line break at its end. Rejects with a UserError when there is nothing. */
export async function readSecret(input: Readable & { readonly isTTY?: boolean }): Promise<string> {
  if (input.isTTY) throw new UserError('The secret is read from standard input: lapwing kube secret set … < FILE')
  const text = (await readAll(input)).replace(/\r?\n$/, '')
  if (text === '') throw new UserError('Standard input is empty; expected the secret.')
  return text
}

/** Rejects with a UserError for a service or a variable that there is none of. */
export async function setSecret(cluster: Cluster, { release, service, variable, text }: SecretSetting): Promise<void> {
  if (!(service in allSections)) throw new UserError(`${service}: expected one of ${Object.keys(allSections).join(', ')}`)
  if (!/^LAPWING__[A-Z]+__[A-Z_]+$/.test(variable)) throw new UserError(`${variable}: expected LAPWING__SECTION__KEY`)
  const name = `${release}-${service}`
  const metadata = { name, namespace: cluster.namespace, labels: { 'app.kubernetes.io/part-of': 'lapwing' } }
  const existing = await cluster.read({ apiVersion: 'v1', kind: 'Secret', name })
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { [variable]: text } }
  await (existing ? cluster.merge(secret) : cluster.create(secret))
  cluster.write(`Secret ${name}: ${variable} is set\n`)
  const labels = `app.kubernetes.io/part-of=lapwing,app.kubernetes.io/component=${service}`
  const value = createHash('sha256').update(text).digest('hex')
  await replacePods(cluster, { labels, annotation: 'checksum/secret', value })
}
