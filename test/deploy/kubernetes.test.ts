/** The hooks and roles of the chart on a real API server, where nobody but the test says what becomes of a job or a pod. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type ClusterCommands, commandsOn, restrictedNamespace } from './cluster-commands.ts'
import { apiTools, type KubernetesApi, startKubernetesApi, withoutControllers } from './kubernetes-api.ts'
import { absentTools, toolsFolder } from './tools.ts'

const chart = fileURLToPath(new URL('../../deploy/helm/lapwing', import.meta.url))
const valueSets = join(chart, 'ci')
const definitions = join(toolsFolder, 'crds')
const withoutDefinitions = absentTools("the test of the chart's custom resources on a real API server", [definitions]).length > 0
const absent = absentTools('the test on a real API server', ['helm', ...apiTools])

describe.skipIf(absent.length > 0)('a real API server', () => {
  let api: KubernetesApi
  let commands: ClusterCommands

  beforeAll(async () => {
    api = await startKubernetesApi(withoutControllers)
    commands = commandsOn(api.kubeconfig)
  }, 200_000)
  afterAll(() => api?.stop())

  test('has its topics created before anything else, and is tested, by hooks that it waits for', async () => {
    const { apply, helm, kubectl } = commands
    await apply(restrictedNamespace('hooks'))
    const place = ['--namespace', 'hooks', '--set', 'kafka.brokers={kafka:9092}']
    const installed = helm(['install', 'lw', chart, ...place, '--timeout', '2m'])
    installed.catch(() => {})
    await Promise.race([isThere('job/lw-lapwing-topics'), installed])
    await expect(kubectl(['get', 'deployment', 'lw-lapwing-detector', '-n', 'hooks'])).rejects.toThrow(/not found/)
    await setStatus('job/lw-lapwing-topics', doneJob())
    expect(await installed).not.toMatch(/would violate PodSecurity/)
    await isThere('deployment/lw-lapwing-detector')
    for (const [phase, outcome] of [
      ['Succeeded', /Phase: +Succeeded/],
      ['Failed', /pod lw-lapwing-test failed/],
    ] as const) {
      const tested = helm(['test', 'lw', '--namespace', 'hooks', '--timeout', '2m']).catch(
        ({ stdout, stderr }) => stdout + stderr,
      )
      await Promise.race([isThere('pod/lw-lapwing-test'), tested.then((said) => Promise.reject(new Error(String(said))))])
      await setStatus('pod/lw-lapwing-test', { phase })
      expect(await tested).toMatch(outcome)
    }

    async function isThere(object: string): Promise<void> {
      const deadline = { what: `${object} is there`, deadlineMs: 60_000 }
      await eventually(async () => (await kubectl(['get', object, '-n', 'hooks', '-o', 'name'])) !== '', deadline)
    }

    /** What a controller or a kubelet would write. */
    async function setStatus(object: string, status: object): Promise<void> {
      const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]
      await kubectl(['patch', object, '-n', 'hooks', ...patch])
    }
  })

  test.skipIf(withoutDefinitions).each(readdirSync(valueSets))('takes every object of the chart with %s', async (name) => {
    const { apply, helm, kubectl } = commands
    await kubectl(['apply', '--server-side', '-f', definitions])
    await kubectl(['wait', '--for=condition=Established', 'customresourcedefinitions', '--all', '--timeout=60s'])
    const namespace = name.replace('-values.yaml', '')
    await apply(...[namespace, 'shop', 'payments'].map(restrictedNamespace))
    const place = ['--namespace', namespace, '--values', join(valueSets, name)]
    expect(await helm(['install', 'lw', chart, ...place, '--no-hooks'])).not.toMatch(/would violate PodSecurity|^W\d{4}/m)
    expect(await helm(['get', 'manifest', 'lw', '--namespace', namespace])).toContain('kind: Deployment')
    await helm(['uninstall', 'lw', '--namespace', namespace, '--no-hooks'])
  })

  test('lets the pods role read pods where it is to, and nothing else', async () => {
    const { apply, helm, kubectl } = commands
    await apply(restrictedNamespace('roles'), restrictedNamespace('shop'))
    const set = ['--set', 'kafka.brokers={kafka:9092},pods.enabled=true,pods.namespaces={shop}', '--no-hooks']
    expect(await helm(['install', 'lw', chart, '--namespace', 'roles', ...set])).not.toMatch(/would violate PodSecurity/)
    const may = (verb: string, what: string, where: string) =>
      kubectl(['auth', 'can-i', verb, what, '-n', where, '--as', 'system:serviceaccount:roles:lw-lapwing-pods']).catch(
        ({ stdout }) => stdout,
      )
    expect(await may('watch', 'pods', 'shop')).toContain('yes')
    expect(await may('list', 'pods', 'shop')).toContain('yes')
    expect(await may('delete', 'pods', 'shop')).toContain('no')
    expect(await may('get', 'secrets', 'shop')).toContain('no')
    expect(await may('list', 'pods', 'roles')).toContain('no')
  })
})

/** As the controller of jobs leaves one that has done its work. */
function doneJob(): object {
  const at = new Date().toISOString()
  const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    ...{ type, status: 'True', reason: 'CompletionsReached', lastProbeTime: at, lastTransitionTime: at },
  }))
  return { succeeded: 1, startTime: at, completionTime: at, conditions }
}
