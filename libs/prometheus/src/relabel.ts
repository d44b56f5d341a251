/**
 * Relabelling, with Prometheus' own words and meaning: rules that choose, rename and drop series by their labels.
 *
 * Rules run in order; the first that drops a series ends it. A label that a series does not have counts as empty, and a label that is
 * set to the empty text is gone. Regular expressions match the whole text and are RE2's, whose time grows with the length of the text
 * and never explodes. Label names may be any UTF-8, as in Prometheus 3.
 *
 * Source: Prometheus "Configuration", section relabel_config; `$1`, `${name}` and `$$` as in Go's `regexp.Expand`.
 */
import { createHash } from 'node:crypto'
import { type LabelSet, sortedLabels } from '@lapwing/contracts/series'
import { RE2JS } from 're2js'

export const relabelActions = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const
export type RelabelAction = (typeof relabelActions)[number]

export interface RelabelRule {
  readonly action: RelabelAction
  /** Their values, joined by `separator`, are what the rule looks at. */
  readonly sourceLabels: readonly string[]
  readonly separator: string
  readonly regex: string
  /** Of `hashmod`, at least 1. */
  readonly modulus: number
  /** Of `replace` a template. */
  readonly targetLabel: string
  /** A template. */
  readonly replacement: string
}

/** What becomes of the labels of a series; undefined: it is dropped. */
export type Relabel = (labels: LabelSet) => LabelSet | undefined

/** Throws a RelabelError for a regular expression that RE2 does not take. */
export function createRelabel(rules: readonly RelabelRule[]): Relabel {
  if (rules.length === 0) return (labels) => labels
  const steps = rules.map(stepOf)
  return (labels) => {
    const byName = new Map(labels.map(({ name, value }) => [name, value]))
    return steps.every((step) => step(byName)) ? sortedLabels(byName) : undefined
  }
}

export class RelabelError extends Error {}

/** Changes the labels; false drops the series. */
type Step = (labels: Map<string, string>) => boolean

function stepOf(rule: RelabelRule): Step {
  const { action, targetLabel } = rule
  switch (action) {
    case 'replace':
      return replaceStep(rule)
    case 'labelmap':
    case 'labeldrop':
    case 'labelkeep':
      return nameStep(rule)
    case 'keep':
    case 'drop': {
      const pattern = relabelPattern(rule.regex)
      return (labels) => pattern.matches(sourceText(labels, rule)) === (action === 'keep')
    }
    case 'keepequal':
    case 'dropequal':
      return (labels) => (sourceText(labels, rule) === (labels.get(targetLabel) ?? '')) === (action === 'keepequal')
    default: {
      const textOf = action === 'hashmod' ? remainderOf(rule.modulus) : caseOf[action]
      return (labels) => setLabel(labels, targetLabel, textOf(sourceText(labels, rule)))
    }
  }
}

const caseOf = {
  lowercase: (text: string) => text.toLowerCase(),
  uppercase: (text: string) => text.toUpperCase(),
} as const

/** The last eight bytes of the MD5 sum, which is how Prometheus spreads; other implementations must agree with it, not be strong. */
function remainderOf(modulus: number): (text: string) => string {
  return (text) => {
    const sum = createHash('md5').update(text).digest().readBigUInt64BE(8)
    return String(sum % BigInt(modulus))
  }
}

function replaceStep(rule: RelabelRule): Step {
  const pattern = relabelPattern(rule.regex)
  const target = templateOf(rule.targetLabel, pattern)
  const replacement = templateOf(rule.replacement, pattern)
  return (labels) => {
    const groups = groupsOf(pattern, sourceText(labels, rule))
    const name = groups && expanded(target, groups)
    return name ? setLabel(labels, name, expanded(replacement, groups)) : true
  }
}

/** Of the three actions that look at the names of labels. */
function nameStep({ action, regex, replacement }: RelabelRule): Step {
  const pattern = relabelPattern(regex)
  const template = templateOf(replacement, pattern)
  return (labels) => {
    for (const [name, value] of [...labels]) {
      const groups = groupsOf(pattern, name)
      if (action === 'labelmap') {
        if (groups) setLabel(labels, expanded(template, groups), value)
      } else if ((groups !== undefined) === (action === 'labeldrop')) labels.delete(name)
    }
    return true
  }
}

function sourceText(labels: ReadonlyMap<string, string>, { sourceLabels, separator }: RelabelRule): string {
  return sourceLabels.map((name) => labels.get(name) ?? '').join(separator)
}

function setLabel(labels: Map<string, string>, name: string, value: string): true {
  if (value === '' || name === '') labels.delete(name)
  else labels.set(name, value)
  return true
}

/** Longer patterns are refused: compiling one is the only step whose cost its writer decides. */
const longestPattern = 10_000

function relabelPattern(regex: string): RE2JS {
  if (regex.length > longestPattern) throw new RelabelError(`expected at most ${longestPattern} characters`)
  try {
    return RE2JS.compile(regex, RE2JS.DOTALL)
  } catch (error) {
    throw new RelabelError(`expected a regular expression without backtracking (RE2): ${(error as Error).message}`)
  }
}

/** The whole match and its groups; undefined when the text does not match as a whole. */
function groupsOf(pattern: RE2JS, text: string): string[] | undefined {
  const matcher = pattern.matcher(text)
  if (!matcher.matches()) return undefined
  return Array.from({ length: matcher.groupCount() + 1 }, (_, group) => matcher.group(group) ?? '')
}

/** Texts, and numbers of groups that stand between them. */
type Template = readonly (string | number)[]

/** A group that the pattern does not have is empty; a `$` that names nothing stands for itself. */
function templateOf(text: string, pattern: RE2JS): Template {
  const names = pattern.namedGroups()
  const parts: (string | number)[] = []
  let at = 0
  for (const found of text.matchAll(/\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu)) {
    parts.push(text.slice(at, found.index))
    const name = found[1] ?? found[2]
    if (name === undefined) parts.push('$')
    else parts.push(/^(0|[1-9][0-9]*)$/.test(name) ? Number(name) : Object.hasOwn(names, name) ? names[name]! : '')
    at = found.index + found[0].length
  }
  return [...parts, text.slice(at)]
}

function expanded(template: Template, groups: readonly string[]): string {
  return template.map((part) => (typeof part === 'number' ? (groups[part] ?? '') : part)).join('')
}
