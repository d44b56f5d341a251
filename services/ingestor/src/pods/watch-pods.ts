/** The pods of a cluster as they change, from its API server, with the rights of the kubeconfig or of the pod that this runs in. */

import { ApiException, CoreV1Api, KubeConfig, makeInformer, type V1Pod } from '@kubernetes/client-node'
import { ConfigError } from '@lapwing/service/config'

export interface PodWatch {
  /** Namespaces that are watched; `*` for all. */
  readonly namespaces: readonly string[]
  stop(): Promise<void>
}

export interface PodWatchOptions {
  /** Empty: that of the context, or of the pod that this runs in. */
  readonly namespaces: readonly string[]
  /** Every pod at the start and after each break, then each that changes. */
  onPod(pod: V1Pod): void
  /** True once the server has told all pods of the namespace; else why it does not. */
  onState(namespace: string, state: true | string): void
}

/** Throws a ConfigError when there is neither a kubeconfig that can be read nor a cluster around this process. */
export function findCluster(): KubeConfig {
  const config = new KubeConfig()
  try {
    config.loadFromDefault()
  } catch (error) {
    // What the parser quotes of the file stands in the lines that follow.
    const [reason] = (error as Error).message.split('\n')
    throw new ConfigError([`pods: the kubeconfig cannot be read; correct the file or KUBECONFIG: ${reason}`])
  }
  const cluster = config.getCurrentCluster()
  if (!cluster || cluster.server === clientsFallback) {
    throw new ConfigError([
      'pods: there is no cluster; set KUBECONFIG, or run inside of one, or take pods.namespaces out of the configuration',
    ])
  }
  return config
}

export function watchPods(config: KubeConfig, { namespaces, onPod, onState }: PodWatchOptions): PodWatch {
  const own = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'
  const watched = namespaces.length > 0 ? namespaces : [own]
  const stops = watched.map((namespace) => watchNamespace(config, namespace, onPod, (state) => onState(namespace, state)))
  return {
    namespaces: watched,
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()))
    },
  }
}

/** Where the client looks when it finds neither a kubeconfig nor a service account: an API server of ten years ago. */
const clientsFallback = 'http://localhost:8080'

const retryMs = 5000

/** After every break all pods are asked for again. Returns how to stop. */
function watchNamespace(
  config: KubeConfig,
  namespace: string,
  onPod: (pod: V1Pod) => void,
  onState: (state: true | string) => void,
): () => Promise<void> {
  const api = config.makeApiClient(CoreV1Api)
  const path = namespace === '*' ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`
  let retry: NodeJS.Timeout | undefined
  let isStopped = false
  const listPods = async () => {
    const list = namespace === '*' ? await api.listPodForAllNamespaces() : await api.listNamespacedPod({ namespace })
    onState(true)
    return list
  }
  const begin = () => {
    const informer = makeInformer<V1Pod>(config, path, listPods)
    const onBreak = (error: unknown) => {
      if (isStopped) return
      onState(reasonOf(error))
      clearTimeout(retry)
      retry = setTimeout(() => {
        void informer.stop()
        current = begin()
      }, retryMs)
    }
    informer.on('add', onPod)
    informer.on('update', onPod)
    informer.on('error', onBreak)
    informer.start().catch(onBreak)
    return informer
  }
  let current = begin()
  return async () => {
    isStopped = true
    clearTimeout(retry)
    await current.stop()
  }
}

/** The server's own words, without its headers. */
function reasonOf(error: unknown): string {
  if (error instanceof ApiException) return `the API server answered ${error.code}`
  return error instanceof Error ? error.message : 'the API server does not answer'
}
