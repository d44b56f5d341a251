/** The API server that the `kube` commands speak to, as the kubeconfig says; what it refuses is told without a stack. */
import { ApiException, KubeConfig, type KubernetesObject, KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node'
import { UserError } from '../user-error.ts'

export interface ClusterFlags {
  readonly namespace?: string
  readonly context?: string
}

/** An object as YAML has it. */
export type Manifest = KubernetesObject & { readonly metadata: { readonly name: string; readonly namespace?: string } } & Record<
    string,
    unknown
  >

export interface ObjectName {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
}

export interface Cluster {
  readonly namespace: string
  /** The object; undefined when it is not there. */
  read(object: ObjectName, namespace?: string): Promise<Manifest | undefined>
  list(apiVersion: string, kind: string, labels: string): Promise<Manifest[]>
  create(object: Manifest): Promise<Manifest>
  /** Server-side: fields that are left out are let go of, if they were ours. */
  apply(object: Manifest, options: { readonly dryRun: boolean; readonly force: boolean }): Promise<Manifest>
  /** Changes fields and leaves all others (merge patch). */
  merge(object: Manifest): Promise<Manifest>
  write(text: string): void
}

/** Who sets the fields, as the server notes it. */
export const fieldManager = 'lapwing'

/** Rejects with a UserError for what the server refuses or when there is none. */
export async function withCluster<Result>(flags: ClusterFlags, command: (cluster: Cluster) => Promise<Result>): Promise<Result> {
  const config = readKubeconfig()
  if (flags.context) {
    if (!config.getContextObject(flags.context))
      throw new UserError(`--context ${flags.context}: the kubeconfig has no such context`)
    config.setCurrentContext(flags.context)
  }
  const server = config.getCurrentCluster()?.server
  // What the client assumes where there is no kubeconfig.
  if (!server || server === 'http://localhost:8080') throw new UserError('No cluster: set KUBECONFIG, or run inside of one.')
  const namespace = flags.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'
  try {
    return await command(connect(config, namespace))
  } catch (error) {
    throw readable(error, server)
  }
}

function readKubeconfig(): KubeConfig {
  const config = new KubeConfig()
  try {
    config.loadFromDefault()
  } catch (error) {
    throw new UserError(
      `The kubeconfig cannot be read; correct the file or KUBECONFIG: ${(error as Error).message.split('\n')[0]}`,
    )
  }
  return config
}

function connect(config: KubeConfig, namespace: string): Cluster {
  const api = KubernetesObjectApi.makeApiClient(config)
  return {
    namespace,
    write: (text) => void process.stdout.write(text),
    read: async ({ apiVersion, kind, name }, inNamespace = namespace) => {
      try {
        return (await api.read({ apiVersion, kind, metadata: { name, namespace: inNamespace } })) as Manifest
      } catch (error) {
        if (error instanceof ApiException && error.code === 404) return undefined
        throw error
      }
    },
    list: async (apiVersion, kind, labels) => {
      const { items } = await api.list(apiVersion, kind, namespace, undefined, undefined, undefined, undefined, labels)
      return items as Manifest[]
    },
    create: async (object) => (await api.create(object, undefined, undefined, fieldManager)) as Manifest,
    apply: async (object, { dryRun, force }) => {
      const dry = dryRun ? 'All' : undefined
      return (await api.patch(object, undefined, dry, fieldManager, force, PatchStrategy.ServerSideApply)) as Manifest
    },
    merge: async (object) => {
      return (await api.patch(object, undefined, undefined, fieldManager, undefined, PatchStrategy.MergePatch)) as Manifest
    },
  }
}

function readable(error: unknown, server: string): unknown {
  if (error instanceof ApiException) return new UserError(`${server}: ${messageOf(error.body) ?? `status ${error.code}`}`)
  const code = (error as NodeJS.ErrnoException).code
  return code && /^E[A-Z]+$/.test(code) ? new UserError(`${server}: does not answer (${code})`) : error
}

/** The server's own words, from the Status object that it answers with. */
function messageOf(body: unknown): string | undefined {
  try {
    return (typeof body === 'string' ? JSON.parse(body) : body).message
  } catch {
    return undefined
  }
}
