/** A program of the cache that runs beside a test, with its output in a file. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findTool } from './tools.ts'

export interface Program {
  /** The end of what it said. */
  lastWords(): Promise<string>
  stop(): Promise<void>
}

/** What it holds is thrown away. */
const endDeadlineMs = 15_000

const living = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

/** @param folder where its output goes, as NAME.log */
export function startProgram(folder: string, name: string, args: readonly string[]): Program {
  const path = join(folder, `${name}.log`)
  const log = openSync(path, 'a')
  const child = spawn(findTool(name)!, args, { stdio: ['ignore', log, log] })
  living.add(child)
  child.once('exit', () => living.delete(child))
  return {
    lastWords: async () => `${name}: ${(await readFile(path, 'utf8')).slice(-2000)}`,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), endDeadlineMs)
      await exited
      clearTimeout(late)
    },
  }
}
