/**
 * Builds and installs what `npm run test:deploy` checks with, into Lapwing's cache folder: `node scripts/deploy-tools.mjs [NAME …]`.
 *
 * Go, Python 3 and their public registries are all it needs. What is there already is not built again. Without NAME: helm, kubeconform,
 * helm-unittest, schemas, airflow, consumer. About eight minutes on two cores, most of it helm.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

const cache = process.env.LAPWING_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lapwing')
const tools = join(cache, 'tools')

const all = {
  helm: () => buildGo('helm', 'helm.sh/helm/v3/cmd/helm', { 'helm.sh/helm/v3': 'v3.22.0' }),
  kubeconform: () =>
    buildGo('kubeconform', 'github.com/yannh/kubeconform/cmd/kubeconform', { 'github.com/yannh/kubeconform': 'v0.8.0' }),
  'helm-unittest': () =>
    buildGo(
      'helm-unittest',
      'github.com/helm-unittest/helm-unittest/cmd/helm-unittest',
      { 'github.com/helm-unittest/helm-unittest': 'v1.1.2' },
      // Its module file replaces this dependency, and a replacement counts only in the module that is built.
      ['github.com/vmware-labs/yaml-jsonpath v0.3.2 => github.com/helm-unittest/yaml-jsonpath v0.4.0'],
    ),
  schemas: () => makePython('schemas', ['kubernetes-validate==1.37.0']),
  airflow: () => makePython('airflow', ['apache-airflow==3.3.2', 'apache-airflow-providers-cncf-kubernetes==10.25.0']),
  consumer: () => makePython('consumer', ['kafka-python==3.0.12', 'fastavro==1.13.1']),
}

const names = process.argv.slice(2)
for (const name of names.length > 0 ? names : Object.keys(all)) {
  if (!(name in all)) fail(`expected one of ${Object.keys(all).join(', ')}; found ${name}`)
  const startMs = performance.now()
  const isNew = all[name]()
  process.stdout.write(`${name}: ${isNew ? `made in ${((performance.now() - startMs) / 1000).toFixed(0)} s` : 'there'}\n`)
}

/** A program of a Go module, in a module of its own. */
function buildGo(name, programPackage, requirements, replacements = []) {
  const program = join(tools, 'bin', name)
  if (existsSync(program)) return false
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-build-'))
  const lines = [
    ...Object.entries(requirements).map(([path, version]) => `require ${path} ${version}`),
    ...replacements.map((replacement) => `replace ${replacement}`),
  ]
  writeFileSync(join(folder, 'go.mod'), `module tool\n\ngo 1.26.0\n\n${lines.join('\n')}\n`)
  writeFileSync(join(folder, 'tool.go'), `//go:build tools\n\npackage tool\n\nimport _ "${programPackage}"\n`)
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=mod' }
  run('go', ['mod', 'tidy'], { cwd: folder, env })
  run('go', ['build', '-p', '1', '-trimpath', '-ldflags', '-s -w', '-o', program, programPackage], { cwd: folder, env })
  rmSync(folder, { recursive: true })
  return true
}

/** A virtual environment of Python with these packages. */
function makePython(name, packages) {
  const folder = join(tools, name)
  const stamp = join(folder, `made-${packages.join('-').replaceAll(/[^\w.-]/g, '')}`)
  if (existsSync(stamp)) return false
  mkdirSync(tools, { recursive: true })
  rmSync(folder, { recursive: true, force: true })
  run('python3', ['-m', 'venv', folder])
  run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages])
  writeFileSync(stamp, '')
  return true
}

function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', ...options })
  if (status !== 0) fail(`${program} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`)
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
