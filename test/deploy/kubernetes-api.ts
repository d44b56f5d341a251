/** A real API server of Kubernetes with its etcd, on free ports, for as long as a test needs it. No nodes and no controllers: cluster.ts has those. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@lapwing/kafka-server/free-port'
import { eventually } from '../eventually.ts'
import { startProgram } from './program.ts'
import { findTool } from './tools.ts'

export interface KubernetesApi {
  /** Its own, with keys, certificates and logs. */
  readonly folder: string
  /** Path of a kubeconfig with all rights. */
  readonly kubeconfig: string
  /** https://HOST:PORT */
  readonly server: string
  stop(): Promise<void>
}

export const apiTools = ['etcd', 'kube-apiserver', 'kubectl'] as const

/** The controller that makes service accounts does not run: pods are taken without one. */
export const withoutControllers = ['--disable-admission-plugins=ServiceAccount'] as const

/** @param flags further ones of kube-apiserver */
export async function startKubernetesApi(flags: readonly string[]): Promise<KubernetesApi> {
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-kubernetes-'))
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()]
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  await writeFile(join(folder, 'sa.key'), privateKey)
  await writeFile(join(folder, 'sa.pub'), publicKey)
  await writeFile(join(folder, 'tokens.csv'), 'token,admin,1,"system:masters"\n')
  const etcd = startProgram(folder, 'etcd', [
    ...['--data-dir', join(folder, 'etcd'), '--listen-client-urls', url(client), '--advertise-client-urls', url(client)],
    ...['--listen-peer-urls', url(peer), '--initial-advertise-peer-urls', url(peer), '--initial-cluster', `default=${url(peer)}`],
  ])
  const api = startProgram(folder, 'kube-apiserver', [
    ...[`--etcd-servers=${url(client)}`, '--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', `--secure-port=${secure}`],
    ...[`--cert-dir=${folder}/certificates`, '--endpoint-reconciler-type=none', '--service-cluster-ip-range=10.0.0.0/24'],
    ...['--service-account-issuer=https://kubernetes.default.svc', `--service-account-key-file=${folder}/sa.pub`],
    ...[`--service-account-signing-key-file=${folder}/sa.key`, '--authorization-mode=RBAC'],
    ...[`--token-auth-file=${folder}/tokens.csv`, ...flags],
  ])
  const stop = async () => {
    // In this order: without its etcd the server waits for it and does not end.
    await api.stop()
    await etcd.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const kubeconfig = join(folder, 'kubeconfig')
  const server = `https://127.0.0.1:${secure}`
  await writeFile(kubeconfig, kubeconfigOf(server, 'token'))
  try {
    const ready = () =>
      execFileSync(findTool('kubectl')!, ['--kubeconfig', kubeconfig, 'get', '--raw', '/readyz'], { stdio: 'pipe' })
    await eventually(() => ready().toString() === 'ok', { what: 'the API server is ready', deadlineMs: 120_000 })
    return { folder, kubeconfig, server, stop }
  } catch (error) {
    const log = await api.lastWords()
    await stop()
    throw new Error(log, { cause: error })
  }
}

function url(port: number): string {
  return `http://127.0.0.1:${port}`
}

/** JSON is YAML. The server makes its own certificate. */
export function kubeconfigOf(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  })
}
