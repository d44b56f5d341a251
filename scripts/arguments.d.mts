import type { ParseArgsConfig, parseArgs } from 'node:util'

export declare function readArguments<Config extends Omit<ParseArgsConfig, 'args'>>(
  usage: string,
  config?: Config,
): Pick<ReturnType<typeof parseArgs<Config>>, 'values' | 'positionals'>

export declare function refuseArguments(usage: string, problem: string): never
