/** `lapwing config`: what a configuration means, before anything is started with it. */
import { Command } from 'commander'
import type { ConfigFlags } from '../start/all-config.ts'

export function configCommand(): Command {
  return new Command('config')
    .description('Check, print and explain the configuration.')
    .addCommand(
      settingsCommand('check')
        .description(
          'Check all sections as the services would. Says nothing of secrets. Exit code 2 and a line per problem where it does not fit.',
        )
        .action(async (flags: ConfigFlags) => {
          const { checkConfig } = await import('./show-config.ts')
          process.stdout.write(checkConfig(flags, process.env))
        }),
    )
    .addCommand(
      settingsCommand('print')
        .description('Print all settings as they are in force, defaults included, as YAML. Secrets are masked.')
        .action(async (flags: ConfigFlags) => {
          const { printConfig } = await import('./show-config.ts')
          process.stdout.write(printConfig(flags, process.env))
        }),
    )
    .addCommand(
      settingsCommand('explain')
        .description('Tell of a setting: its value, where that was written, its default and what it may be.')
        .argument('<key>', 'such as detector.window_minutes, or a key of the flat form such as window_minutes')
        .action(async (key: string, flags: ConfigFlags) => {
          const { explainKey } = await import('./explain-key.ts')
          process.stdout.write(explainKey(key, flags, process.env))
        }),
    )
    .addCommand(
      new Command('schema')
        .description('Print the JSON Schema of lapwing.yaml, for editors.')
        .addHelpText(
          'after',
          '\nFirst line of lapwing.yaml, for editors with the YAML language server:\n  # yaml-language-server: $schema=lapwing.schema.json',
        )
        .action(async () => {
          const { configSchema } = await import('./config-schema.ts')
          process.stdout.write(`${JSON.stringify(configSchema(), null, 2)}\n`)
        }),
    )
}

function settingsCommand(name: string): Command {
  return new Command(name)
    .option('-c, --config <file>', 'configuration file (default: lapwing.yaml, if there is one)')
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .option('--set <key=value>', 'one setting; may be repeated', (value, all: string[]) => [...all, value], [])
}
