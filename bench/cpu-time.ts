/** Processor time that other processes used, as Linux counts it. */
import { readFileSync } from 'node:fs'

/** Of the whole life of a process, in seconds. Throws where there is no /proc, or no such process. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The command stands in parentheses and may hold anything; behind it the fields are numbers, the first being number 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[userTimeField - 3]) + Number(fields[systemTimeField - 3])) / ticksPerSecond
}

const userTimeField = 14
const systemTimeField = 15
/** The same on every Linux that Node runs on. */
const ticksPerSecond = 100
