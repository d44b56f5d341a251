/** A real API server of Kubernetes with its etcd, on free ports, for as long as a test needs it. No nodes: nothing in a pod runs. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@lapwing/kafka-server/free-port'
import { eventually } from '../eventually.ts'
import { findTool } from './tools.ts'

export interface KubernetesApi {
  /** Path of a kubeconfig with all rights. */
  readonly kubeconfig: string
  stop(): Promise<void>
}

export async function startKubernetesApi(): Promise<KubernetesApi> {
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-kubernetes-'))
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()]
  const key = join(folder, 'sa.key')
  execFileSync('openssl', ['genrsa', '-out', key, '2048'], { stdio: 'ignore' })
  execFileSync('openssl', ['rsa', '-in', key, '-pubout', '-out', join(folder, 'sa.pub')], { stdio: 'ignore' })
  await writeFile(join(folder, 'tokens.csv'), 'token,admin,1,"system:masters"\n')
  const etcd = start(folder, 'etcd', [
    ...['--data-dir', join(folder, 'etcd'), '--listen-client-urls', url(client), '--advertise-client-urls', url(client)],
    ...['--listen-peer-urls', url(peer), '--initial-advertise-peer-urls', url(peer), '--initial-cluster', `default=${url(peer)}`],
  ])
  const server = start(folder, 'kube-apiserver', [
    ...[`--etcd-servers=${url(client)}`, '--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', `--secure-port=${secure}`],
    ...[`--cert-dir=${folder}/certificates`, '--endpoint-reconciler-type=none', '--service-cluster-ip-range=10.0.0.0/24'],
    ...['--service-account-issuer=https://kubernetes.default.svc', `--service-account-key-file=${folder}/sa.pub`],
    ...[`--service-account-signing-key-file=${key}`, '--authorization-mode=RBAC', `--token-auth-file=${folder}/tokens.csv`],
    // The controller that makes service accounts does not run here.
    '--disable-admission-plugins=ServiceAccount',
  ])
  const stop = async () => {
    // In this order: without its etcd the server waits for it and does not end.
    await end(server)
    await end(etcd)
    await rm(folder, { recursive: true, force: true })
  }
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(secure)))
  try {
    const ask = () =>
      execFileSync(
        'curl',
        ['-skf', '--max-time', '5', '-H', 'authorization: Bearer token', `https://127.0.0.1:${secure}/readyz`],
        {
          stdio: 'ignore',
        },
      )
    await eventually(() => ask() !== undefined, { what: 'the API server is ready', deadlineMs: 120_000 })
    return { kubeconfig, stop }
  } catch (error) {
    const log = await readFile(join(folder, 'kube-apiserver.log'), 'utf8')
    await stop()
    throw new Error(log.slice(-2000), { cause: error })
  }
}

function url(port: number): string {
  return `http://127.0.0.1:${port}`
}

function start(folder: string, program: string, args: readonly string[]): ChildProcess {
  const log = openSync(join(folder, `${program}.log`), 'a')
  return spawn(findTool(program)!, args, { stdio: ['ignore', log, log] })
}

/** What it holds is thrown away. */
const endDeadlineMs = 15_000

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), endDeadlineMs)
  await exited
  clearTimeout(late)
}

/** JSON is YAML. The server makes its own certificate. */
function kubeconfigOf(port: number): object {
  const cluster = { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true }
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'admin', user: { token: 'token' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  }
}
