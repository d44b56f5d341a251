/** What the documents tell to type exists: every command of `lapwing` with its options, every script of `npm run`, every file of `node`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Command, CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { createProgram } from './program.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folders = ['docs', 'docs/runbooks', 'docs/adr', 'deploy/airflow', 'deploy/helm/lapwing']
const documentsIn = (folder: string) => readdirSync(`${root}${folder}`).filter((name) => name.endsWith('.md'))
const documents = [...documentsIn('.'), ...folders.flatMap((folder) => documentsIn(folder).map((name) => `${folder}/${name}`))]
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }

interface Documented {
  readonly text: string
  /** Meant to be typed as it stands; otherwise a mention, which may leave out what a command needs. */
  readonly isWhole: boolean
}

const documented = documents.flatMap((file) =>
  commandsIn(readFileSync(`${root}${file}`, 'utf8')).map((each) => ({ file, ...each })),
)

test('there are commands in the documents', () => {
  expect(documented.length).toBeGreaterThan(80)
})

test.each([
  [['config', 'chek'], false],
  [['backtest', '--until', '-7d'], false],
  [['feedback'], true],
])('a command that does not exist would be noticed: %j', (args, isWhole) => {
  expect(mistakeIn(args, isWhole)).toMatch(/^error: /)
})

test.each(documented)('$file: $text', ({ text, isWhole }) => {
  const [program, ...args] = wordsOf(text)
  if (program === 'npm') expect(Object.keys(scripts)).toContain(args[0] === 'run' ? args[1] : args[0])
  else if (program === 'node') expect(args.some((arg) => existsSync(`${root}${arg}`))).toBe(true)
  else expect(mistakeIn(args, isWhole)).toBeUndefined()
})

function commandsIn(markdown: string): Documented[] {
  const isCommand = (text: string) => /^(\.\/)?lapwing |^npm (run|start|test)|^node scripts\//.test(text)
  const withoutVariables = (line: string) => line.trim().replace(/^([A-Z_]+=\S+ )+/, '')
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block!.replaceAll('\\\n', ' '))
  const lines = blocks.flatMap((block) => block.split('\n').map((line) => withoutVariables(line.replace(/(^|\s)#.*/, ''))))
  const mentions = [...markdown.replace(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, text]) => withoutVariables(text!))
  const found = [
    ...lines.filter(isCommand).map((text) => ({ text, isWhole: true })),
    ...mentions
      .filter(isCommand)
      .flatMap(alternatives)
      .map((text) => ({ text, isWhole: false })),
  ]
  return found.filter(({ text }, i) => found.findIndex((other) => other.text === text) === i)
}

/** `models list|show` are two commands. */
function alternatives(text: string): string[] {
  const [, before, choices, after] = /^(.*?)(\S+\|\S+)(.*)$/.exec(text) ?? []
  return choices === undefined ? [text] : choices.split('|').map((choice) => `${before}${choice}${after}`)
}

/** As a shell splits them, as far as the documents go: quotes, and nothing behind a redirection. Brackets are the documents' own. */
function wordsOf(text: string): string[] {
  const [command] = text.replaceAll(/[[\]…]/g, '').split(/ [>|] /)
  return [...command!.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => (single ?? double ?? plain)!)
}

/** What commander says to these arguments; nothing is run. */
function mistakeIn(args: readonly string[], isWhole: boolean): string | undefined {
  const program = createProgram()
  silence(program)
  try {
    program.parse(args, { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const isFine = error.exitCode === 0 || (!isWhole && /missing|invalidArgument|^commander\.help$/.test(error.code))
    return isFine ? undefined : error.message
  }
}

function silence(command: Command): void {
  command.configureOutput({ writeOut: () => {}, writeErr: () => {} })
  if (command.commands.length === 0) command.action(() => {})
  for (const each of command.commands) silence(each)
}
