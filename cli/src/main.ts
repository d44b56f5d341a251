/** The command line `lapwing`. Exit codes: 0 done, 1 failed, 2 the user can put it right. */
import { ConfigError } from '@lapwing/service/config'
import { CommanderError } from 'commander'
import { createProgram } from './program.ts'
import { UserError } from './user-error.ts'

try {
  await createProgram().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else if (error instanceof UserError || error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exitCode = 1
  }
}
