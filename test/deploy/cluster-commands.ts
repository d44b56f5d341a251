/** helm, kubectl and the product's own command line on one cluster. */
import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { findTool } from './tools.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)

/** All reject with code, stdout and stderr. */
export interface ClusterCommands {
  helm(args: readonly string[]): Promise<string>
  kubectl(args: readonly string[], input?: string): Promise<string>
  lapwing(args: readonly string[], input?: string): Promise<string>
  /** Documents of YAML, by kubectl. */
  apply(...documents: readonly string[]): Promise<void>
}

export function commandsOn(kubeconfig: string): ClusterCommands {
  const env = { ...process.env, KUBECONFIG: kubeconfig }

  async function output(program: string, args: readonly string[], input = ''): Promise<string> {
    const running = run(program, args, { env, maxBuffer: 2 ** 26 })
    running.child.stdin!.end(input)
    const { stdout, stderr } = await running
    return stdout + stderr
  }

  async function lapwing(args: readonly string[], input = ''): Promise<string> {
    const loader = join(root, 'node_modules/tsx/dist/loader.mjs')
    const child = spawn(process.execPath, ['--import', loader, join(root, 'cli/src/main.ts'), ...args], { env })
    child.stdin.end(input)
    const closed = new Promise((resolve) => child.once('close', resolve))
    const [code, stdout, stderr] = await Promise.all([closed, text(child.stdout), text(child.stderr)])
    if (code === 0) return stdout
    throw Object.assign(new Error(stdout + stderr), { code, stdout, stderr })
  }

  const kubectl: ClusterCommands['kubectl'] = (args, input) => output(findTool('kubectl')!, args, input)
  return {
    helm: (args) => output(findTool('helm')!, args),
    kubectl,
    lapwing,
    apply: async (...documents) => {
      await kubectl(['apply', '-f', '-'], documents.join('\n---\n'))
    },
  }
}

/** It refuses pods that are not restricted, and warns of what would make such pods. */
export function restrictedNamespace(name: string): string {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/warn': 'restricted' }
  return stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
}
