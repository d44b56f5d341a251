/**
 * Configuration: layers merged, validated once by the schemas of the sections a process needs, frozen.
 *
 * Layers, later wins: defaults (in the schemas) < file < profile file < environment < flags. Maps are merged, lists replaced.
 * Every value remembers where it came from, so an error names file, line and key, and what was expected there. The flat keys
 * of section `flatKeys` may stand at the top level of a file; people have such files.
 */
import { existsSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parse, parseDocument } from 'yaml'
import { z } from 'zod'
import type { Settings } from './config-change.ts'
import { Secret } from './config-fields.ts'
import { kafkaSchema } from './kafka-settings.ts'
import { knownKeys } from './known-keys.ts'

export interface ConfigLayers {
  /** Path of the file; without it `lapwing.yaml` in the working directory, if there is one. */
  readonly file?: string | undefined
  /** `dev`, `stage` or `prod`: the file `NAME.PROFILE.yaml` beside `NAME.yaml` is laid over it. */
  readonly profile?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** `section.key=value`, as given with `--set`. */
  readonly sets: readonly string[]
}

/** What is wrong with the configuration, one sentence a problem, each beginning with its place. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export type Sections = Record<string, z.ZodType>
export type ConfigOf<S extends Sections> = { readonly [K in keyof S]: z.output<S[K]> }

/** Sections that every process reads. */
export const commonSections = {
  kafka: kafkaSchema,
  http: z.strictObject({ host: z.string().default('127.0.0.1') }).prefault({}),
  log: z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
} as const

export type CommonConfig = ConfigOf<typeof commonSections>

export interface ConfigReading<Config> {
  readonly config: Config
  /** What the layers say, merged and not validated, for comparing: secrets stand in it. */
  readonly settings: Settings
}

/** The validated sections. Throws ConfigError. */
export function loadConfig<S extends Sections>(sections: S, layers: ConfigLayers): ConfigOf<S> {
  return readConfig(sections, layers).config
}

/** As `loadConfig`, with what was written. */
export function readConfig<S extends Sections>(sections: S, layers: ConfigLayers): ConfigReading<ConfigOf<S>> {
  const merged = mergedLayers(layers)
  merged.refuseUnknownSections()
  const problems: string[] = [...merged.problems]
  const config: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(sections)) {
    const result = schema.safeParse(merged.tree[name])
    if (result.success) config[name] = deepFreeze(result.data)
    else
      problems.push(...result.error.issues.map((issue) => merged.problem([name, ...issue.path], issue, knownKeys(schema, issue))))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return { config: Object.freeze(config) as ConfigOf<S>, settings: merged.tree }
}

/** Where a key was set (file and line, variable or flag); undefined where it was not. Throws ConfigError for a file that cannot be read. */
export function placeOfSetting(layers: ConfigLayers, path: readonly [section: string, key: string]): string | undefined {
  const merged = mergedLayers(layers)
  return lookUp(merged.tree, path) === undefined ? undefined : merged.placeOf(path)
}

/** The files that these layers are read from. */
export function configFiles({ file: named, profile }: ConfigLayers): readonly string[] {
  const file = named ?? (existsSync(defaultFile) ? defaultFile : undefined)
  if (!file) return []
  return profile ? [file, profileFile(file, profile)] : [file]
}

function mergedLayers(layers: ConfigLayers): Layered {
  const merged = new Layered()
  for (const file of configFiles(layers)) merged.addFile(file)
  merged.addEnvironment(layers.environment)
  for (const set of layers.sets) merged.addSet(set)
  return merged
}

/** A file of its own, validated by its schema. Throws ConfigError, which names file, line and key. */
export function loadFile<Schema extends z.ZodType>(schema: Schema, file: string): z.output<Schema> {
  const merged = new Layered()
  merged.addFile(file)
  const result = schema.safeParse(merged.tree)
  if (result.success) return deepFreeze(result.data)
  throw new ConfigError(result.error.issues.map((issue) => merged.problem(issue.path, issue, knownKeys(schema, issue))))
}

const defaultFile = 'lapwing.yaml'
const sectionNames = ['kafka', 'http', 'log', 'ingestor', 'detector', 'trainer', 'drift', 'alerter', 'reporter', 'pods']

/** Keys of the flat form, and where each belongs. */
export const flatKeys: Readonly<Record<string, readonly [section: string, key: string]>> = {
  prometheus_url: ['ingestor', 'prometheus_url'],
  metrics: ['ingestor', 'metrics'],
  step: ['ingestor', 'step'],
  run_interval_seconds: ['ingestor', 'poll_interval'],
  contamination: ['detector', 'contamination'],
  window_minutes: ['detector', 'window_minutes'],
  model_path: ['detector', 'model_path'],
  drift_detection: ['drift', 'enabled'],
  slack_webhook_url: ['alerter', 'slack_webhook_url'],
  alertmanager_url: ['alerter', 'alertmanager_url'],
  output_csv: ['reporter', 'output_csv'],
}

/** Names other tools use too, so people have them set. */
const wellKnownVariables: Readonly<Record<string, readonly [section: string, key: string]>> = {
  PROMETHEUS_URL: ['ingestor', 'prometheus_url'],
  KAFKA_BROKERS: ['kafka', 'brokers'],
  LAPWING_TF_BACKEND: ['trainer', 'tensorflow_backend'],
}

type Tree = { [key: string]: unknown }

/** The merged tree, with the place that each value came from. */
class Layered {
  readonly tree: Tree = Object.create(null)
  readonly problems: string[] = []
  readonly #places = new Map<string, string>()

  addFile(file: string): void {
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new ConfigError([`${file}: ${code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`}`])
    }
    const lines = new LineCounter()
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
    if (document.errors.length > 0) {
      throw new ConfigError(
        document.errors.map((e) => `${file}:${lines.linePos(e.pos[0]).line}: not valid YAML or JSON: ${e.message}`),
      )
    }
    if (document.contents === null) return
    if (!isMap(document.contents)) throw new ConfigError([`${file}:1: expected keys with values`])
    for (const pair of document.contents.items) this.#addPair([], pair as Pair<Node, Node | null>, file, lines)
  }

  addEnvironment(environment: ConfigLayers['environment']): void {
    for (const [name, text] of Object.entries(environment)) {
      const wellKnown = wellKnownVariables[name]
      // Others set them too, and Compose sets what it does not know to nothing.
      if (text === undefined || (wellKnown && text === '')) continue
      const place = `environment variable ${name}`
      if (wellKnown) this.#put(wellKnown, name === 'KAFKA_BROKERS' ? text.split(',').map((broker) => broker.trim()) : text, place)
      else if (name.startsWith('LAPWING__')) this.#put(toPath(name.slice(9).toLowerCase().split('__')), parseScalar(text), place)
    }
  }

  addSet(set: string): void {
    const equals = set.indexOf('=')
    const path = set.slice(0, equals).split('.')
    if (equals < 1) this.problems.push(`flag --set ${set}: expected section.key=value`)
    else this.#put(toPath(path), parseScalar(set.slice(equals + 1)), `flag --set ${path.join('.')}`)
  }

  refuseUnknownSections(): void {
    for (const name of Object.keys(this.tree)) {
      if (sectionNames.includes(name)) continue
      this.problems.push(
        `${this.placeOf([name])}: ${name}: unknown key; expected one of ${[...sectionNames, ...Object.keys(flatKeys)].join(', ')}`,
      )
    }
  }

  /** @param known keys that may stand where an unknown one does; empty where that is not known */
  problem(path: PropertyKey[], issue: z.core.$ZodIssue, known: readonly string[]): string {
    if (issue.code === 'unrecognized_keys') {
      const expected = known.length === 0 ? '' : `; expected one of ${known.join(', ')}`
      return issue.keys
        .map((key) => `${this.placeOf([...path, key])}: ${[...path, key].join('.')}: unknown key${expected}`)
        .join('\n')
    }
    const found = isSecret(issue) ? new Secret('') : lookUp(this.tree, path)
    const actual = found === undefined ? 'nothing is set' : `found ${shown(found)}`
    return `${this.placeOf(path)}: ${path.join('.')}: ${issue.message.replace(/^Invalid input: |, received .*/g, '')}; ${actual}`
  }

  #addPair(parent: readonly string[], pair: Pair<Node, Node | null>, file: string, lines: LineCounter): void {
    const key = String(isScalar(pair.key) ? pair.key.value : pair.key)
    const path = parent.length === 0 ? toPath([key]) : [...parent, key]
    const place = `${file}:${lines.linePos(pair.key.range?.[0] ?? 0).line}`
    if (isMap(pair.value)) {
      this.#places.set(path.join('.'), place)
      for (const child of pair.value.items) this.#addPair(path, child as Pair<Node, Node | null>, file, lines)
      return
    }
    this.#put(path, pair.value?.toJSON() ?? null, place)
    this.#addPlaces(path, pair.value, file, lines)
  }

  /** Places of what stands in a list, however deep. */
  #addPlaces(path: readonly string[], node: unknown, file: string, lines: LineCounter): void {
    const at = (child: unknown) => `${file}:${lines.linePos((child as Node | null)?.range?.[0] ?? 0).line}`
    const children = isSeq(node)
      ? node.items.map((item, i) => ({ path: [...path, String(i)], place: at(item), value: item }))
      : isMap(node)
        ? node.items.map(({ key, value }) => ({ path: [...path, String(key)], place: at(key), value }))
        : []
    for (const child of children) {
      this.#places.set(child.path.join('.'), child.place)
      this.#addPlaces(child.path, child.value, file, lines)
    }
  }

  #put(path: readonly string[], value: unknown, place: string): void {
    let at = this.tree
    for (const key of path.slice(0, -1)) {
      if (typeof at[key] !== 'object' || at[key] === null) at[key] = Object.create(null)
      at = at[key] as Tree
    }
    at[path.at(-1)!] = value
    this.#places.set(path.join('.'), place)
    for (let depth = path.length - 1; depth > 0; depth--) {
      const parent = path.slice(0, depth).join('.')
      if (!this.#places.has(parent)) this.#places.set(parent, place)
    }
  }

  placeOf(path: readonly PropertyKey[]): string {
    for (let depth = path.length; depth > 0; depth--) {
      const place = this.#places.get(path.slice(0, depth).join('.'))
      if (place) return place
    }
    return 'configuration'
  }
}

function toPath(path: string[]): readonly string[] {
  return path.length === 1 && Object.hasOwn(flatKeys, path[0]!) ? flatKeys[path[0]!]! : path
}

function parseScalar(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return text
  }
}

/** What stands there; where an object was expected and something else stands, that. */
function lookUp(tree: unknown, path: readonly PropertyKey[]): unknown {
  let at = tree
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return at
    at = (at as Record<PropertyKey, unknown>)[key]
  }
  return at
}

/** Of an object only the keys: a secret may stand in it. */
function shown(found: unknown): string {
  if (typeof found !== 'object' || found === null || found instanceof Secret) return JSON.stringify(found)
  if (Array.isArray(found)) return `[${found.map(shown).join(', ')}]`
  return `{${Object.keys(found).join(', ')}}`
}

function isSecret(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'custom' && issue.params?.secret === true
}

/** `config.yaml` and `prod` make `config.prod.yaml`. */
function profileFile(file: string, profile: string): string {
  const extension = extname(file)
  return `${file.slice(0, file.length - extension.length)}.${profile}${extension}`
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const child of Object.values(value)) deepFreeze(child)
  }
  return value
}
