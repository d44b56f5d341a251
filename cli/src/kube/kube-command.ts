/** `lapwing kube`: a deployment on Kubernetes, with the rights of whoever calls it (kubeconfig). */
import { Command } from 'commander'
import type { ClusterFlags } from './cluster.ts'

export function kubeCommand(): Command {
  return new Command('kube')
    .description('Lapwing on Kubernetes: apply its objects, see how its pods are, change its configuration and secrets.')
    .addCommand(applyCommand())
    .addCommand(statusCommand())
    .addCommand(cronJobCommand())
    .addCommand(configCommand())
    .addCommand(secretCommand())
}

function applyCommand(): Command {
  return clusterCommand('apply')
    .description('Apply objects, server-side, and tell what becomes of each: created, changed (and how) or unchanged.')
    .argument('<file>', 'YAML with one or more objects, such as deploy/kubernetes/lapwing.yaml')
    .option('--dry-run', 'ask the server what would become of them, change nothing', false)
    .option('--force', 'take fields over that another manager has set', false)
    .addHelpText('after', '\nExample:\n  lapwing kube apply deploy/kubernetes/lapwing.yaml --dry-run')
    .action(async (file: string, flags: ClusterFlags & { readonly dryRun: boolean; readonly force: boolean }) => {
      const { withCluster } = await import('./cluster.ts')
      const { applyFile } = await import('./apply-file.ts')
      await withCluster(flags, (cluster) => applyFile(cluster, { file, dryRun: flags.dryRun, force: flags.force }))
    })
}

function statusCommand(): Command {
  return clusterCommand('status')
    .description(
      'Every Deployment and pod of Lapwing, and what is wrong: too few pods, not ready, restarts, out of memory, evicted, unschedulable.',
    )
    .option('--json', 'one JSON line per Deployment and per pod instead of tables', false)
    .addHelpText('after', '\nThe exit code is 1 when something is wrong.')
    .action(async (flags: ClusterFlags & { readonly json: boolean }) => {
      const { withCluster } = await import('./cluster.ts')
      const { showStatus } = await import('./show-status.ts')
      if (!(await withCluster(flags, (cluster) => showStatus(cluster, flags)))) process.exitCode = 1
    })
}

function cronJobCommand(): Command {
  const change = (name: 'run' | 'suspend' | 'resume', does: string) =>
    clusterCommand(name)
      .description(does)
      .argument('<name>', 'name of the CronJob')
      .action(async (cronJob: string, flags: ClusterFlags) => {
        const { withCluster } = await import('./cluster.ts')
        const { changeCronJob } = await import('./cron-jobs.ts')
        await withCluster(flags, (cluster) => changeCronJob(cluster, name, cronJob, Date.now()))
      })
  return new Command('cronjob')
    .description('What runs by the clock.')
    .addCommand(
      clusterCommand('list')
        .description('List them with schedule, last success and whether they are suspended.')
        .action(async (flags: ClusterFlags) => {
          const { withCluster } = await import('./cluster.ts')
          const { listCronJobs } = await import('./cron-jobs.ts')
          await withCluster(flags, listCronJobs)
        }),
    )
    .addCommand(change('run', 'Run one now, beside its schedule.'))
    .addCommand(change('suspend', 'Start no more runs.'))
    .addCommand(change('resume', 'Go on by the schedule.'))
}

function configCommand(): Command {
  return new Command('config')
    .description('lapwing.yaml in the cluster.')
    .addCommand(
      clusterCommand('show')
        .description('Print it.')
        .option('--name <name>', 'of the ConfigMap', 'lapwing')
        .action(async (flags: ClusterFlags & { readonly name: string }) => {
          const { withCluster } = await import('./cluster.ts')
          const { showConfig } = await import('./cluster-config.ts')
          await withCluster(flags, (cluster) => showConfig(cluster, flags.name))
        }),
    )
    .addCommand(
      clusterCommand('set')
        .description('Check a file as the services would, put it into the cluster, and replace the pods.')
        .argument('<file>', 'lapwing.yaml')
        .option('--name <name>', 'of the ConfigMap', 'lapwing')
        .action(async (file: string, flags: ClusterFlags & { readonly name: string }) => {
          const { withCluster } = await import('./cluster.ts')
          const { setConfig } = await import('./cluster-config.ts')
          await withCluster(flags, (cluster) => setConfig(cluster, { name: flags.name, file }))
        }),
    )
}

function secretCommand(): Command {
  return new Command('secret').description('Settings that are secret.').addCommand(
    clusterCommand('set')
      .description('Set one, read from standard input, and replace the pods of the service. It is never printed.')
      .argument('<service>', 'ingestor, detector, drift, alerter, trainer or reporter')
      .argument('<variable>', 'such as LAPWING__ALERTER__SLACK_WEBHOOK_URL')
      .option('--name <name>', 'of the release: the Secret is NAME-SERVICE', 'lapwing')
      .addHelpText('after', '\nExample:\n  lapwing kube secret set alerter LAPWING__ALERTER__SLACK_WEBHOOK_URL < webhook.txt')
      .action(async (service: string, variable: string, flags: ClusterFlags & { readonly name: string }) => {
        const { withCluster } = await import('./cluster.ts')
        const { setSecret, readSecret } = await import('./cluster-secret.ts')
        const text = await readSecret(process.stdin)
        await withCluster(flags, (cluster) => setSecret(cluster, { release: flags.name, service, variable, text }))
      }),
  )
}

function clusterCommand(name: string): Command {
  return new Command(name)
    .option('-n, --namespace <namespace>', 'where (default: that of the context)')
    .option('--context <name>', 'of the kubeconfig (default: its current one)')
}
