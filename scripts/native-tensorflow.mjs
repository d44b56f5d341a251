/**
 * `npm run tensorflow:native`: TensorFlow itself behind TensorFlow.js, on request, because it is half a gigabyte.
 *
 * First the package's own installer, which downloads from TensorFlow's host. Where that is closed: the library from the Python wheel of
 * TensorFlow (its hash is checked), and the addon, whose source the npm package holds, compiled against it. That way needs Linux with
 * glibc on x86-64, python3 with pip, and g++. To be run again after a fresh installation; the library stays in `.cache`.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments } from './arguments.mjs'
import { ensureInstalled } from './install.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const cache = join(root, '.cache/tensorflow')
const wheel = {
  requirement: 'tensorflow-cpu==2.12.1',
  python: '3.11',
  platform: 'manylinux2014_x86_64',
  sha256: '7ffb595707a8fb376deaddc768784c7a0242b16cbc6e06393b1733b2ce19f855',
}
/** What the addon is compiled against and linked with; the rest of the wheel is Python. */
const wantedEntries = '(tensorflow/include/tensorflow/(c|core/platform|tsl)/.*|tensorflow/libtensorflow_(cc|framework)[.]so[.]2)'

readArguments(
  'npm run tensorflow:native: installs TensorFlow itself behind TensorFlow.js, half a gigabyte. It takes no arguments.',
)
await ensureInstalled()
const addon = realpathSync(join(root, 'libs/deep/node_modules/@tensorflow/tfjs-node'))
const binding = join(addon, 'lib/napi-v8/tfjs_binding.node')
if (!works() && !installFromHost()) buildFromWheel()
if (!works()) fail('TensorFlow was built, and does not load')
process.stdout.write('The native TensorFlow backend is there; it is used unless LAPWING_TF_BACKEND says otherwise.\n')

function works() {
  const use = `import('@lapwing/deep/tensorflow').then(({ loadTensorFlow }) => loadTensorFlow('native'))`
  const args = ['--import', 'tsx', '--input-type=module', '--eval', use]
  return existsSync(binding) && spawnSync(process.execPath, args, { cwd: join(root, 'cli') }).status === 0
}

function installFromHost() {
  process.stdout.write('Installing from the host of TensorFlow …\n')
  const { status } = spawnSync('npm', ['run', 'install'], { cwd: addon, stdio: 'ignore', timeout: 600_000 })
  return status === 0 && works()
}

function buildFromWheel() {
  if (process.platform !== 'linux' || process.arch !== 'x64') fail('the wheel can be used on Linux on x86-64 only')
  process.stdout.write('The host cannot be reached; building from the Python wheel …\n')
  const library = join(cache, 'tensorflow')
  if (!existsSync(join(library, 'libtensorflow_cc.so.2'))) extractWheel()
  for (const [link, target] of [
    ['libtensorflow.so', 'libtensorflow_cc.so.2'],
    ['libtensorflow_framework.so', 'libtensorflow_framework.so.2'],
  ]) {
    rmSync(join(library, link), { force: true })
    symlinkSync(target, join(library, link))
  }
  compile(library)
}

function extractWheel() {
  const download = join(cache, 'download')
  rmSync(download, { recursive: true, force: true })
  mkdirSync(download, { recursive: true })
  const { requirement, python, platform, sha256 } = wheel
  const only = ['--no-deps', '--only-binary=:all:', '--implementation', 'cp', '--python-version', python, '--platform', platform]
  run('python3', ['-m', 'pip', 'download', '--quiet', ...only, '-d', download, requirement])
  const file = join(download, readdirSync(download)[0])
  const found = createHash('sha256').update(readFileSync(file)).digest('hex')
  if (found !== sha256) fail(`the wheel of ${requirement} has SHA-256 ${found}, expected ${sha256}`)
  const extract = `import re, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(sys.argv[2], [n for n in wheel.namelist() if not n.endswith('/') and re.fullmatch(sys.argv[3], n)])`
  run('python3', ['-c', extract, file, cache, wantedEntries])
  rmSync(download, { recursive: true })
}

function compile(library) {
  const sources = readdirSync(join(addon, 'binding')).filter((name) => name.endsWith('.cc'))
  const nodeHeaders = join(dirname(process.execPath), '../include/node')
  if (!existsSync(nodeHeaders)) fail(`the headers of Node are needed, expected in ${nodeHeaders}`)
  mkdirSync(dirname(binding), { recursive: true })
  run('g++', [
    ...['-O2', '-fPIC', '-shared', '-std=c++17', '-DNAPI_VERSION=8', `-I${nodeHeaders}`, `-I${library}/include`, `-I${addon}`],
    ...sources.map((name) => join(addon, 'binding', name)),
    ...[`-L${library}`, '-ltensorflow', '-ltensorflow_framework', `-Wl,-rpath,${library}`, '-o', binding],
  ])
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0) fail(`${program} failed${error ? `: ${error.message}` : ''}`)
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
