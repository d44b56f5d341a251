/** `metric_relabel_configs`: Prometheus' relabelling rules, as people write them, checked as Prometheus checks them. */
import { createRelabel, type Relabel, RelabelError, type RelabelRule, relabelActions } from '@lapwing/prometheus/relabel'
import { z } from 'zod'

const defaultRegex = '(.*)'
const defaultReplacement = '$1'
const defaultSeparator = ';'

const keys = z.strictObject({
  source_labels: z.array(z.string().min(1)).default([]),
  separator: z.string().default(defaultSeparator),
  regex: z.coerce.string().default(defaultRegex),
  modulus: z.int().min(0).default(0),
  target_label: z.string().default(''),
  replacement: z.coerce.string().default(defaultReplacement),
  action: z.preprocess(
    (text) => (typeof text === 'string' ? text.toLowerCase() : text),
    z.enum(relabelActions).default('replace'),
  ),
})
type Keys = z.output<typeof keys>

const relabelRule = keys.superRefine((rule, context) => {
  const refuse = (key: keyof Keys, message: string) => context.addIssue({ code: 'custom', path: [key], message })
  const { action } = rule
  const readsNames = action === 'labelmap' || action === 'labeldrop' || action === 'labelkeep'
  if (action === 'hashmod' && rule.modulus === 0) refuse('modulus', 'expected at least 1 for hashmod')
  if (needsTarget.has(action) && rule.target_label === '') refuse('target_label', `expected a label name for ${action}`)
  if (readsNames && rule.source_labels.length > 0) refuse('source_labels', `not used by ${action}, which looks at all names`)
  if (readsNames && rule.target_label !== '') refuse('target_label', `not used by ${action}`)
  if ((action === 'keepequal' || action === 'dropequal') && rule.regex !== defaultRegex)
    refuse('regex', `not used by ${action}, which compares with target_label`)
  if (action !== 'replace' && action !== 'labelmap' && rule.replacement !== defaultReplacement)
    refuse('replacement', `not used by ${action}`)
  try {
    createRelabel([ruleOf(rule)])
  } catch (error) {
    if (!(error instanceof RelabelError)) throw error
    refuse('regex', error.message)
  }
})

const needsTarget = new Set<Keys['action']>(['replace', 'hashmod', 'lowercase', 'uppercase', 'keepequal', 'dropequal'])

export const relabelConfigs = z.array(relabelRule)

export function relabelOf(rules: z.output<typeof relabelConfigs>): Relabel {
  return createRelabel(rules.map(ruleOf))
}

function ruleOf({ source_labels, target_label, ...rest }: Keys): RelabelRule {
  return { sourceLabels: source_labels, targetLabel: target_label, ...rest }
}
