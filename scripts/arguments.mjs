/**
 * The arguments of a script of this repository: `--help` is answered with how it is used (exit code 0), what it does not know with what is wrong and
 * the same (exit code 2), and nothing is begun.
 */
import { parseArgs } from 'node:util'

/**
 * @param {string} usage how it is used, a line or more
 * @param {import('node:util').ParseArgsConfig} config what it takes beside `--help`, as `parseArgs` reads it
 */
export function readArguments(usage, config = {}) {
  const help = { type: /** @type {const} */ ('boolean'), short: 'h' }
  try {
    const { values, positionals } = parseArgs({ ...config, options: { ...config.options, help } })
    if (values.help) end(process.stdout, usage, 0)
    return { values, positionals }
  } catch (error) {
    return refuseArguments(usage, error.message.split('. To specify')[0])
  }
}

/** Ends the process: what is wrong, and how it is used. */
export function refuseArguments(usage, problem) {
  return end(process.stderr, `${problem}\n\n${usage}`, 2)
}

function end(stream, text, exitCode) {
  stream.write(`${text.trim()}\n`)
  process.exit(exitCode)
}
