/**
 * A child process that never outlives this one, not even when this one is killed.
 *
 * Node can do nothing once it gets SIGKILL, and a JVM does not look whether its parent is there. So a shell stands between the
 * two: it holds the other end of a pipe, the pipe closes when this process is gone for whatever reason, and then the shell ends
 * the child. The child has a process group of its own, so that Ctrl-C reaches only us and we stop things in order.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'

export interface GuardedProcess {
  /** Of the child, not of the shell. */
  readonly pid: number
  hasEnded(): boolean
  /** Resolves when it has, for whatever reason. */
  readonly ended: Promise<void>
  /** Asks it to end; kills it when it has not after `patienceMs`. */
  stop(patienceMs: number): Promise<void>
  /** At once, as a power cut would. */
  kill(): Promise<void>
}

/** Both outputs of the command are appended to the file. */
export async function startGuarded(command: readonly string[], outputPath: string): Promise<GuardedProcess> {
  const output = await open(outputPath, 'a')
  const shell = spawn('/bin/sh', ['-c', guardScript, 'guard', ...command], { detached: true, stdio: ['pipe', 'pipe', output.fd] })
  await output.close()
  const ended = once(shell, 'exit').then(() => undefined)
  const [line] = await once(shell.stdout!, 'data')
  const pid = Number(String(line).trim())
  const hasEnded = () => shell.exitCode !== null || shell.signalCode !== null
  const kill = async () => {
    if (hasEnded()) return
    signal(pid, 'SIGKILL')
    await ended
  }
  const stop = async (patienceMs: number) => {
    if (hasEnded()) return
    signal(pid, 'SIGTERM')
    const patience = new AbortController()
    const late = setTimeout(patienceMs, 'late', { signal: patience.signal }).catch(() => 'ended')
    if ((await Promise.race([ended, late])) === 'late') await kill()
    patience.abort()
  }
  return { pid, hasEnded, ended, stop, kill }
}

/** Tells the process id of the command on standard output, then waits for the end of either. */
const guardScript = `
exec 3<&0
"$@" </dev/null 3<&- >&2 &
child=$!
echo $child
(read -r _ <&3; kill -TERM $child; sleep 5; kill -KILL $child) >/dev/null 2>&1 &
watcher=$!
exec 3<&- >/dev/null
wait $child
kill $watcher 2>/dev/null
`

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It is gone already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
