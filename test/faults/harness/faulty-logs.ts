/**
 * Logs on which one thing goes wrong at a chosen point, for mains that compose a real service with one of them.
 *
 * `fail points` kill, stop or slow their own process between two steps of the protocol; `mutants` leave out one thing that the
 * protocol needs, and exist to show that the checker notices.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { LogError } from '@lapwing/stream/errors'
import type { FencedProducer, Log, OutgoingRecord } from '@lapwing/stream/log'
import { wrappedLog } from '@lapwing/stream/testing/wrapped-log'
import { restamped } from './restamped.ts'

type Commit = FencedProducer['commit']

export interface FaultPlan {
  readonly fault: keyof typeof faultyLogs
  /** At which call it happens, from 1. */
  readonly call: number
}

/** `fault:call`, as the environment of a process has it. */
export function parseFault(text: string): FaultPlan {
  const [fault, call] = text.split(':')
  if (!fault || !Object.hasOwn(faultyLogs, fault)) throw new Error(`no fault is called ${fault}`)
  return { fault: fault as keyof typeof faultyLogs, call: Number(call) }
}

export function faultyLog(log: Log, { fault, call }: FaultPlan): Log {
  return faultyLogs[fault](log, call)
}

const faultyLogs = {
  /** Outputs are written, their checkpoint is not. */
  'die-after-send': (log: Log, call: number) => onSend(log, after(call, die)),
  /** Before the transaction of a checkpoint. */
  'die-before-commit': (log: Log, call: number) => onCommit(log, before(call, die)),
  /** With the transaction on its way. */
  'die-in-commit': (log: Log, call: number) =>
    onCommit(log, (commit, records, calls) => {
      if (calls === call) setTimeout(die, 2)
      return commit(records)
    }),
  /** The checkpoint is written, the position of the group is not. */
  'die-after-commit': (log: Log, call: number) => onCommit(log, after(call, die)),
  /** Asleep between the decision to write a checkpoint and the writing. */
  'stop-before-commit': (log: Log, call: number) => onCommit(log, before(call, stopHere)),
  /** Says when a checkpoint begins, and takes its time. */
  'slow-commit': (log: Log) =>
    onCommit(log, async (commit, records) => {
      process.stdout.write(`${JSON.stringify({ level: 'info', msg: 'checkpoint begins' })}\n`)
      await delay(slowCommitMs)
      await commit(records)
    }),
  /** Reads a state slowly, and says when it begins. */
  'slow-restore': (log: Log) =>
    wrappedLog(log, {
      readToEnd: async (topic, partition) => {
        process.stdout.write(`${JSON.stringify({ level: 'info', msg: 'restore begins', partition })}\n`)
        const records = await log.readToEnd(topic, partition)
        await delay(slowRestoreMs)
        return records
      },
    }),
  /** The event loop stands still. */
  'stall-in-send': (log: Log, call: number) => onSend(log, before(call, stall)),

  /** Mutant: anybody may write the state. */
  'no-fencing': (log: Log, call: number) =>
    wrappedLog(log, {
      fencedProducer: async () => {
        const producer = await log.producer()
        return { ...producer, commit: counted(before(call, stopHere), producer.send) }
      },
    }),
  /** Mutant: checkpoints do not wait for the outputs that they stand for. */
  'commit-before-flush': (log: Log, call: number) => commitBeforeFlush(log, call),
  /** Mutant: states do not say up to where they have learned. */
  'no-offset-stamp': (log: Log) =>
    wrappedLog(log, { readToEnd: async (topic, partition) => restamped(await log.readToEnd(topic, partition), -1) }),
  /** Mutant: takes itself for fenced when it is not, and so restores what it has. */
  'fenced-for-nothing': (log: Log, call: number) =>
    onCommit(
      log,
      before(call, () => {
        throw new LogError('fenced', 'a mutant says so')
      }),
    ),
  /** Mutant: what is sent counts as acknowledged at once. */
  'acknowledge-early': (log: Log) =>
    wrappedLog(log, {
      producer: async () => {
        const producer = await log.producer()
        const sendLater = (records: readonly OutgoingRecord[]) => void delay(lateMs).then(() => producer.send(records))
        return { ...producer, send: async (records) => sendLater(records) }
      },
    }),
} as const

const slowCommitMs = 700
const slowRestoreMs = 3000
const stallMs = 20_000
const lateMs = 300

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

function stopHere(): void {
  process.kill(process.pid, 'SIGSTOP')
}

function stall(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs)
}

/** A call in the place of another, which it may pass on. */
type Interception = (original: Commit, records: readonly OutgoingRecord[], calls: number) => Promise<void>

function before(call: number, act: () => void): Interception {
  return (original, records, calls) => {
    if (calls === call) act()
    return original(records)
  }
}

function after(call: number, act: () => void): Interception {
  return async (original, records, calls) => {
    await original(records)
    if (calls === call) act()
  }
}

let calls = 0

function counted(intercept: Interception, original: Commit): Commit {
  return (records) => intercept(original, records, ++calls)
}

function onSend(log: Log, intercept: Interception): Log {
  return wrappedLog(log, {
    producer: async () => {
      const producer = await log.producer()
      return { ...producer, send: counted(intercept, producer.send) }
    },
  })
}

function onCommit(log: Log, intercept: Interception): Log {
  return wrappedLog(log, {
    fencedProducer: async (id) => {
      const producer = await log.fencedProducer(id)
      return { ...producer, commit: counted(intercept, producer.commit) }
    },
  })
}

/** Outputs are kept until the next checkpoint of their partition is written; at the chosen one the process dies in between. */
function commitBeforeFlush(log: Log, call: number): Log {
  const kept = new Map<number, OutgoingRecord[]>()
  let sendKept = async (_partition: number) => {}
  return wrappedLog(log, {
    producer: async () => {
      const producer = await log.producer()
      sendKept = async (partition) => {
        const records = kept.get(partition) ?? []
        kept.delete(partition)
        if (records.length > 0) await producer.send(records)
      }
      const keep = (record: OutgoingRecord) => {
        const records = kept.get(record.partition)
        if (records) records.push(record)
        else kept.set(record.partition, [record])
      }
      return { ...producer, send: async (records) => records.forEach(keep) }
    },
    fencedProducer: async (id) => {
      const producer = await log.fencedProducer(id)
      const commit = counted(after(call, die), producer.commit)
      const partition = Number(id.slice(id.lastIndexOf('-') + 1))
      return {
        ...producer,
        commit: async (records) => {
          await commit(records)
          await sendKept(partition)
        },
      }
    },
  })
}
