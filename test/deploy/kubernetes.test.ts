/** The chart and `lapwing kube` against a real API server, in a namespace that refuses what is not restricted. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type ClusterCommands, commandsOn, restrictedNamespace } from './cluster-commands.ts'
import { apiTools, type KubernetesApi, startKubernetesApi, withoutControllers } from './kubernetes-api.ts'
import { absentTools } from './tools.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const chart = join(root, 'deploy/helm/lapwing')
const manifests = join(root, 'deploy/kubernetes/lapwing.yaml')
const absent = absentTools('the test on a real API server', ['helm', ...apiTools])

describe.skipIf(absent.length > 0)('a real API server', () => {
  let api: KubernetesApi
  let folder: string
  let helm: ClusterCommands['helm']
  let lapwing: ClusterCommands['lapwing']
  let commands: ClusterCommands

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-kube-'))
    api = await startKubernetesApi(withoutControllers)
    commands = commandsOn(api.kubeconfig)
    ;({ helm, lapwing } = commands)
  }, 200_000)
  afterAll(async () => {
    await api?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('takes the chart: installed, upgraded, rolled back, uninstalled', async () => {
    const namespace = join(folder, 'namespace.yaml')
    await writeFile(namespace, restrictedNamespace('metrics'))
    await lapwing(['kube', 'apply', namespace])
    const set = ['--namespace', 'metrics', '--set', 'kafka.brokers={kafka:9092}', '--no-hooks']
    const installed = await helm(['install', 'lw', chart, ...set])
    expect(installed).not.toMatch(/would violate PodSecurity/)
    expect(await replicas()).toBe(2)
    await helm(['upgrade', 'lw', chart, ...set, '--set', 'detector.replicaCount=5'])
    expect(await replicas()).toBe(5)
    await helm(['rollback', 'lw', '1', '--namespace', 'metrics', '--no-hooks'])
    expect(await replicas()).toBe(2)
    await helm(['uninstall', 'lw', '--namespace', 'metrics', '--no-hooks'])
    await expect(replicas()).rejects.toThrow(/not found/)
    // What is on the volumes outlives the release.
    expect(await kubectl(['get', 'persistentvolumeclaims', '-o', 'name'])).toContain('persistentvolumeclaim/lw-lapwing-reporter')

    async function replicas(): Promise<number> {
      return Number(await kubectl(['get', 'deployment', 'lw-lapwing-detector', '-o', 'jsonpath={.spec.replicas}']))
    }
  })

  test('has its topics created before anything else, and is tested, by hooks that it waits for', async () => {
    const namespace = join(folder, 'hooks-namespace.yaml')
    await writeFile(namespace, restrictedNamespace('hooks'))
    await lapwing(['kube', 'apply', namespace])
    const installed = helm([
      'install',
      'lw',
      chart,
      '--namespace',
      'hooks',
      '--set',
      'kafka.brokers={kafka:9092}',
      '--timeout',
      '2m',
    ])
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

  test('lets the pods role read pods where it is to, and nothing else', async () => {
    for (const name of ['roles', 'shop']) {
      const namespace = join(folder, `${name}-namespace.yaml`)
      await writeFile(namespace, restrictedNamespace(name))
      await lapwing(['kube', 'apply', namespace])
    }
    const set = [
      '--set',
      'kafka.brokers={kafka:9092}',
      '--set',
      'pods.enabled=true',
      '--set',
      'pods.namespaces={shop}',
      '--no-hooks',
    ]
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

  test('takes the plain manifests by lapwing kube apply: first tried, then created, then unchanged, then changed', async () => {
    const namespace = join(folder, 'lapwing-namespace.yaml')
    await writeFile(namespace, restrictedNamespace('lapwing'))
    await lapwing(['kube', 'apply', namespace])
    const tried = await lapwing(['kube', 'apply', manifests, '--dry-run'])
    expect(tried).toContain('Deployment lapwing-detector: created (dry run)\n')
    const created = await lapwing(['kube', 'apply', manifests])
    expect(created).toContain('Deployment lapwing-detector: created\n')
    expect(await lapwing(['kube', 'apply', manifests])).toMatch(/ 0 created, 0 changed, \d+ unchanged\n$/)
    const changed = join(folder, 'changed.yaml')
    await writeFile(changed, (await readFile(manifests, 'utf8')).replace('schedule: 0 3 * * *', 'schedule: 0 4 * * *'))
    expect(await lapwing(['kube', 'apply', changed])).toContain('  spec.schedule: "0 3 * * *" -> "0 4 * * *"\n')
    await expect(lapwing(['kube', 'apply', join(chart, 'Chart.yaml')])).rejects.toMatchObject({ code: 2 })
  })

  test('has its configuration and secrets changed, and pods replaced by that', async () => {
    const file = join(folder, 'lapwing.yaml')
    await writeFile(file, 'detector: {window_minutes: 30}\n')
    const changed = await lapwing(['kube', 'config', 'set', file, '--namespace', 'lapwing'])
    expect(changed).toContain('ConfigMap lapwing: changed\nDeployment lapwing-alerter: pods are replaced\n')
    expect(await lapwing(['kube', 'config', 'show', '--namespace', 'lapwing'])).toBe('detector: {window_minutes: 30}\n')
    await writeFile(file, 'detector: {window: 30}\n')
    await expect(lapwing(['kube', 'config', 'set', file, '--namespace', 'lapwing'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('lapwing.yaml:1: detector.window: unknown key'),
    })
    const set = await lapwing(
      ['kube', 'secret', 'set', 'alerter', 'LAPWING__ALERTER__SLACK_WEBHOOK_URL', '-n', 'lapwing'],
      'https://canary\n',
    )
    expect(set).toBe(
      'Secret lapwing-alerter: LAPWING__ALERTER__SLACK_WEBHOOK_URL is set\nDeployment lapwing-alerter: pods are replaced\n',
    )
    const stored = await kubectl([
      'get',
      'secret',
      'lapwing-alerter',
      '-n',
      'lapwing',
      '-o',
      'jsonpath={.data.LAPWING__ALERTER__SLACK_WEBHOOK_URL}',
    ])
    expect(Buffer.from(stored, 'base64').toString()).toBe('https://canary')
  })

  test('has its CronJobs listed, suspended, resumed and run', async () => {
    const name = 'lapwing-nightly-topics'
    const cronJob = (...args: string[]) => lapwing(['kube', 'cronjob', ...args, '--namespace', 'lapwing'])
    expect(await cronJob('list')).toMatch(new RegExp(`^${name} +0 4 \\* \\* \\* Etc/UTC +on +never$`, 'm'))
    expect(await cronJob('suspend', name)).toBe(`${name}: suspended\n`)
    expect(await cronJob('list')).toContain('suspended')
    expect(await cronJob('resume', name)).toBe(`${name}: on\n`)
    expect(await cronJob('run', name)).toMatch(/^Job lapwing-nightly-topics-\w+: created\n$/)
    await expect(cronJob('run', 'nothing')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no CronJob of this name'),
    })
  })

  test('tells what is wrong with the pods it has', async () => {
    const status = ['kube', 'status', '--namespace', 'metrics']
    await expect(lapwing(status)).rejects.toMatchObject({ code: 1, stdout: 'no pods of Lapwing in metrics\n' })
    const pod = join(folder, 'pod.yaml')
    await writeFile(pod, waitingPod)
    await lapwing(['kube', 'apply', pod])
    await expect(lapwing(status)).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^detector-1 +detector .*not ready \(Pending\)$/m),
    })
  })

  function kubectl(args: readonly string[]): Promise<string> {
    return commands.kubectl(args.includes('-n') ? args : ['--namespace', 'metrics', ...args])
  }
})

/** As the controller of jobs leaves one that has done its work. */
function doneJob(): object {
  const at = new Date().toISOString()
  const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    ...{ type, status: 'True', reason: 'CompletionsReached', lastProbeTime: at, lastTransitionTime: at },
  }))
  return { succeeded: 1, startTime: at, completionTime: at, conditions }
}

const waitingPod = `
apiVersion: v1
kind: Pod
metadata:
  name: detector-1
  namespace: metrics
  labels: {app.kubernetes.io/part-of: lapwing, app.kubernetes.io/component: detector}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: detector
      image: lapwing
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`
