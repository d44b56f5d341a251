/** All commands of `lapwing` as one tree; what each does stands beside it. */
import { version } from '@lapwing/service/version'
import { Command } from 'commander'
import { alertsCommand } from './alerts/alerts-command.ts'
import { backtestCommand } from './backtest/backtest-command.ts'
import { configCommand } from './config/config-command.ts'
import { evaluateCommand } from './evaluate/evaluate-command.ts'
import { feedbackCommand } from './feedback/feedback-command.ts'
import { grafanaCommand } from './grafana/grafana-command.ts'
import { kubeCommand } from './kube/kube-command.ts'
import { modelsCommand, trainCommand } from './models/models-command.ts'
import { muteCommand } from './mute/mute-command.ts'
import { queriesCommand } from './queries/queries-command.ts'
import { reportCommand } from './report/report-command.ts'
import { scoreCommand } from './score-command.ts'
import { serviceCommands } from './service-commands.ts'
import { startCommand } from './start-command.ts'
import { topicsCommand } from './topics/topics-command.ts'

export function createProgram(): Command {
  const program = new Command('lapwing')
    .description(
      'Finds anomalies in Prometheus metrics as they stream through Kafka, and lets through only what a person should see.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError('(see lapwing --help)')
    .addCommand(startCommand())
    .addCommand(scoreCommand())
    .addCommand(backtestCommand())
    .addCommand(evaluateCommand())
    .addCommand(reportCommand())
    .addCommand(trainCommand())
    .addCommand(modelsCommand())
    .addCommand(queriesCommand())
    .addCommand(topicsCommand())
    .addCommand(feedbackCommand())
    .addCommand(alertsCommand())
    .addCommand(muteCommand())
    .addCommand(grafanaCommand())
    .addCommand(configCommand())
    .addCommand(kubeCommand())
  for (const command of serviceCommands()) program.addCommand(command)
  inheritSettings(program)
  return program
}

/** Without it a wrong option would end the process with commander's exit code: only commands made by their parent inherit. */
function inheritSettings(parent: Command, path = parent.name()): void {
  for (const command of parent.commands) {
    const own = `${path} ${command.name()}`
    command.copyInheritedSettings(parent).showHelpAfterError(`(see ${own} --help)`)
    inheritSettings(command, own)
  }
}
