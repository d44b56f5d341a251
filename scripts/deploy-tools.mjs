/**
 * Builds and installs what `npm run test:deploy` checks with, into Lapwing's cache folder: `node scripts/deploy-tools.mjs [NAME …]`.
 *
 * Go, Python 3 and their public registries are all it needs. What is there already is not built again. Without NAME: helm, kubeconform,
 * helm-unittest, helm-docs, actionlint, schemas, crds, etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, kwok, kwok-stages, airflow, consumer, avro.
 * About forty minutes on two cores, most of it the programs of Kubernetes.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { readArguments, refuseArguments } from './arguments.mjs'

const cache = process.env.LAPWING_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lapwing')
const tools = join(cache, 'tools')

const kubernetesVersion = '1.37.2'
const kwokVersion = 'v0.8.0'

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
  'helm-docs': () =>
    buildGo('helm-docs', 'github.com/norwoodj/helm-docs/cmd/helm-docs', { 'github.com/norwoodj/helm-docs': 'v1.14.2' }),
  actionlint: () =>
    buildGo('actionlint', 'github.com/rhysd/actionlint/cmd/actionlint', { 'github.com/rhysd/actionlint': 'v1.7.7' }),
  schemas: () => makePython('schemas', ['kubernetes-validate==1.37.0']),
  crds: () =>
    fetchDefinitions('crds', {
      'github.com/prometheus-operator/prometheus-operator@v0.85.0': [
        'example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml',
        'example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml',
      ],
      'github.com/kedacore/keda/v2@v2.17.2': ['config/crd/bases/keda.sh_scaledobjects.yaml'],
    }),
  airflow: () => makePython('airflow', ['apache-airflow==3.3.2', 'apache-airflow-providers-cncf-kubernetes==10.25.0']),
  etcd: () => buildGo('etcd', 'go.etcd.io/etcd/server/v3', { 'go.etcd.io/etcd/server/v3': 'v3.7.3' }),
  'kube-apiserver': () => buildKubernetes('kube-apiserver'),
  'kube-controller-manager': () => buildKubernetes('kube-controller-manager'),
  'kube-scheduler': () => buildKubernetes('kube-scheduler'),
  kubectl: () => buildKubernetes('kubectl'),
  kwok: () => buildGo('kwok', 'sigs.k8s.io/kwok/cmd/kwok', { 'sigs.k8s.io/kwok': kwokVersion }),
  // What it does to nodes and pods, and when.
  'kwok-stages': () =>
    fetchDefinitions('kwok-stages', {
      [`sigs.k8s.io/kwok@${kwokVersion}`]: [
        'kustomize/stage/node/fast/node-initialize.yaml',
        'kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml',
        'kustomize/stage/pod/fast/pod-ready.yaml',
        'kustomize/stage/pod/fast/pod-complete.yaml',
        'kustomize/stage/pod/fast/pod-delete.yaml',
      ],
    }),
  consumer: () => makePython('consumer', ['kafka-python==3.0.12', 'fastavro==1.13.1']),
  avro: () => fetchJar('avro', 'org/apache/avro/avro/1.12.0/avro-1.12.0.jar'),
}

const usage = `node scripts/deploy-tools.mjs [NAME …]: builds and installs what npm run test:deploy checks with, into ${tools}.

NAME  ${Object.keys(all).join(', ')};
      without, all of them, which takes about forty minutes on two cores`
const names = readArguments(usage, { allowPositionals: true }).positionals
const unknown = names.find((name) => !Object.hasOwn(all, name))
if (unknown !== undefined) refuseArguments(usage, `there is no ${unknown}`)
for (const name of names.length > 0 ? names : Object.keys(all)) {
  const startMs = performance.now()
  const isNew = await all[name]()
  process.stdout.write(`${name}: ${isNew ? `made in ${((performance.now() - startMs) / 1000).toFixed(0)} s` : 'there'}\n`)
}

/** A program of a Go module, in a module of its own. */
function buildGo(name, programPackage, requirements, replacements = [], linkerFlags = '') {
  const program = join(tools, 'bin', name)
  if (existsSync(program)) return false
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-build-'))
  const lines = [
    ...Object.entries(requirements).map(([path, version]) => `require ${path} ${version}`),
    ...replacements.map((replacement) => `replace ${replacement}`),
  ]
  writeFileSync(join(folder, 'go.mod'), `module example.com/build\n\ngo 1.26.0\n\n${lines.join('\n')}\n`)
  writeFileSync(join(folder, 'tool.go'), `//go:build tools\n\npackage build\n\nimport _ "${programPackage}"\n`)
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=mod' }
  run('go', ['mod', 'tidy'], { cwd: folder, env })
  run('go', ['build', '-p', '1', '-trimpath', '-ldflags', `-s -w ${linkerFlags}`, '-o', program, programPackage], {
    cwd: folder,
    env,
  })
  rmSync(folder, { recursive: true })
  return true
}

/** A program of Kubernetes, telling its version: without that it calls itself v0.0.0. */
function buildKubernetes(name) {
  const [major, minor] = kubernetesVersion.split('.')
  const version = { gitVersion: `v${kubernetesVersion}`, gitMajor: major, gitMinor: minor }
  const flags = Object.entries(version).map(([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`)
  const requirements = { 'k8s.io/kubernetes': `v${kubernetesVersion}` }
  return buildGo(name, `k8s.io/kubernetes/cmd/${name}`, requirements, stagingReplacements(), flags.join(' '))
}

/** Kubernetes' module file replaces its parts by folders of its repository; each is a module too, at 0.(minor).(patch). */
function stagingReplacements() {
  const { stdout } = spawnSync('go', ['mod', 'download', '-json', `k8s.io/kubernetes@v${kubernetesVersion}`], {
    encoding: 'utf8',
  })
  const moduleFile = readFileSync(JSON.parse(stdout).GoMod, 'utf8')
  const parts = [...moduleFile.matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging\//gm)].map(([, path]) => path)
  return parts.map((path) => `${path} => ${path} v0.${kubernetesVersion.slice(2)}`)
}

/** Definitions out of the modules of those who make them, as files of one folder. */
function fetchDefinitions(name, filesByModule) {
  const folder = join(tools, name)
  if (existsSync(folder)) return false
  const files = Object.entries(filesByModule).flatMap(([module, paths]) => {
    const { status, stdout } = spawnSync('go', ['mod', 'download', '-json', module], { encoding: 'utf8' })
    if (status !== 0) fail(`go mod download ${module} failed: ${stdout}`)
    return paths.map((path) => join(JSON.parse(stdout).Dir, path))
  })
  mkdirSync(folder, { recursive: true })
  for (const file of files) copyFileSync(file, join(folder, basename(file)))
  return true
}

/** A jar of Maven Central, or of the repository that MAVEN_REPOSITORY names. */
async function fetchJar(name, path) {
  const file = join(tools, name, basename(path))
  if (existsSync(file)) return false
  const answer = await fetch(`${process.env.MAVEN_REPOSITORY ?? 'https://repo1.maven.org/maven2'}/${path}`)
  if (!answer.ok) fail(`${path}: ${answer.status}`)
  mkdirSync(join(tools, name), { recursive: true })
  writeFileSync(file, new Uint8Array(await answer.arrayBuffer()))
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
