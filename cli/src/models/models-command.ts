/** `lapwing train` and `lapwing models`: batch models of entities, by hand. */
import { userInfo } from 'node:os'
import { Command } from 'commander'
import type { ConnectionFlags } from '../topics/open-log.ts'

interface CommonFlags extends ConnectionFlags {
  readonly json: boolean
}

interface ChangeFlags extends CommonFlags {
  readonly reason?: string
}

export function trainCommand(): Command {
  return connected(new Command('train'))
    .description('Ask the trainer for a new model of an entity: trained, judged against the one in force, then tried beside it.')
    .argument('<label=value...>', 'labels that make the entity (ingestor.entity_by), or its key')
    .option('--reason <text>', 'why, for others to read')
    .option('--no-follow', 'do not wait until it is in shadow or rejected')
    .addHelpText(
      'after',
      `
Environment:
  KAFKA_BROKERS   use these brokers (host:port, comma-separated)

Exit code 1 when the model was rejected.

Examples:
  lapwing train instance=node-1:9100
  lapwing train instance=node-1:9100 --reason "new release" --no-follow`,
    )
    .action(async (entity: string[], flags: ChangeFlags & { readonly follow: boolean }) => {
      const { train } = await import('./train-model.ts')
      const { follow, json } = flags
      await withLog(flags, (deployment) => train(deployment, { entity, follow, json, reason: reasonOf(flags), atMs: Date.now() }))
    })
}

export function modelsCommand(): Command {
  return new Command('models')
    .description('Batch models of entities: what is in force, how it was judged, and how to go back.')
    .addCommand(
      connected(new Command('list'))
        .description('All versions, the newest of an entity first.')
        .action(async (flags: CommonFlags) => {
          const { listModels } = await import('./list-models.ts')
          await withLog(flags, (deployment) => listModels(deployment, flags))
        }),
    )
    .addCommand(
      connected(new Command('show'))
        .description('One version: its life, its numbers, what it learned from.')
        .argument('<id>', 'id of a version, or how its digits begin')
        .action(async (id: string, flags: CommonFlags) => {
          const { showModel } = await import('./show-model.ts')
          await withLog(flags, (deployment) => showModel(deployment, id, flags))
        }),
    )
    .addCommand(
      connected(new Command('diff'))
        .description('What two versions differ in: numbers, settings, series.')
        .argument('<from>', 'id of a version')
        .argument('<to>', 'id of another')
        .action(async (from: string, to: string, flags: CommonFlags) => {
          const { diffModels } = await import('./show-model.ts')
          await withLog(flags, (deployment) => diffModels(deployment, [from, to], flags))
        }),
    )
    .addCommand(changeCommand('promote', 'Bring a version into force: from shadow, or against the verdict of validation.'))
    .addCommand(
      changeCommand('rollback', 'Take a version out of force: the one before it is in force again. In shadow it is rejected.'),
    )
}

function changeCommand(kind: 'promote' | 'rollback', description: string): Command {
  return connected(new Command(kind))
    .description(description)
    .argument('<id>', 'id of a version, or how its digits begin')
    .option('--reason <text>', 'why, for others to read')
    .action(async (id: string, flags: ChangeFlags) => {
      const { changeModel } = await import('./change-model.ts')
      const change = { kind, id, reason: reasonOf(flags), atMs: Date.now(), json: flags.json }
      await withLog(flags, (deployment) => changeModel(deployment, change))
    })
}

function connected(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration; its kafka section is used (default: lapwing.yaml, if there is one)')
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .option('--json', 'a JSON line for each model instead of text', false)
}

function reasonOf({ reason }: ChangeFlags): string {
  return reason ?? `by hand, ${userInfo().username}`
}

async function withLog(
  ...[flags, command]: Parameters<typeof import('../topics/open-log.ts').withDeployment<void>>
): Promise<void> {
  const { withDeployment } = await import('../topics/open-log.ts')
  await withDeployment(flags, command)
}
