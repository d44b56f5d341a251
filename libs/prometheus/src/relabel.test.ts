import { createHash } from 'node:crypto'
import { sortedLabels } from '@lapwing/contracts/series'
import { describe, expect, test } from 'vitest'
import { createRelabel, RelabelError, type RelabelRule } from './relabel.ts'

type Labels = Readonly<Record<string, string>>

const defaults: RelabelRule = {
  action: 'replace',
  sourceLabels: [],
  separator: ';',
  regex: '(.*)',
  modulus: 0,
  targetLabel: '',
  replacement: '$1',
}

/** What becomes of the labels; undefined: the series is dropped. */
function relabelled(labels: Labels, ...rules: readonly Partial<RelabelRule>[]): Labels | undefined {
  const after = createRelabel(rules.map((rule) => ({ ...defaults, ...rule })))(sortedLabels(Object.entries(labels)))
  return after && Object.fromEntries(after.map(({ name, value }) => [name, value]))
}

const host = { __name__: 'load', instance: 'db-7.example:9100', zone: 'North' }

describe('replace', () => {
  const replace = (rule: Partial<RelabelRule>) => relabelled(host, rule)
  test.each<[string, Partial<RelabelRule>, Labels]>([
    [
      'copies a group',
      { sourceLabels: ['instance'], regex: '(.+):\\d+', targetLabel: 'host' },
      { ...host, host: 'db-7.example' },
    ],
    [
      'joins its sources',
      {
        sourceLabels: ['zone', 'instance'],
        separator: '@',
        regex: '(N).*@db-(\\d+).*',
        targetLabel: 'at',
        replacement: `$2\${1}$1`,
      },
      { ...host, at: '7NN' },
    ],
    ['does nothing without a whole match', { sourceLabels: ['instance'], regex: 'db', targetLabel: 'host' }, host],
    [
      'an empty result removes the label',
      { sourceLabels: ['none'], targetLabel: 'zone' },
      { __name__: host.__name__, instance: host.instance },
    ],
    ['a fixed text needs no source', { targetLabel: 'team', replacement: 'db' }, { ...host, team: 'db' }],
    [
      'the name may be a template',
      { sourceLabels: ['instance'], regex: '(db)-(\\d+).*', targetLabel: `\${1}_n`, replacement: '$2' },
      { ...host, db_n: '7' },
    ],
    [
      'a name that comes out empty changes nothing',
      { sourceLabels: ['zone'], regex: '(x)?.*', targetLabel: '$1', replacement: 'y' },
      host,
    ],
    [
      'named groups',
      { sourceLabels: ['zone'], regex: '(?P<head>.).*', targetLabel: 'h', replacement: `\${head}-$head` },
      { ...host, h: 'N-N' },
    ],
    [
      '$1x is the group "1x", which is none',
      { sourceLabels: ['zone'], targetLabel: 'z', replacement: 'a$1x' },
      { ...host, z: 'a' },
    ],
    ['$$ is a dollar, and one that names nothing stays', { targetLabel: 'z', replacement: '$$1$-${' }, { ...host, z: '$1$-${' }],
    [
      'a group that took no part is empty',
      { sourceLabels: ['zone'], regex: '(x)?(.*)', targetLabel: 'z', replacement: '<$1$2$9>' },
      { ...host, z: '<North>' },
    ],
    [
      'the metric name is a label',
      { sourceLabels: ['__name__'], targetLabel: '__name__', replacement: 'node_$1' },
      { ...host, __name__: 'node_load' },
    ],
  ])('%s', (_, rule, expected) => expect(replace(rule)).toEqual(expected))

  test('the dot matches a line break, as in Prometheus', () => {
    expect(relabelled({ a: 'x\ny' }, { sourceLabels: ['a'], regex: 'x.y', targetLabel: 'b', replacement: 'z' })).toEqual({
      a: 'x\ny',
      b: 'z',
    })
  })
})

describe('rules that drop', () => {
  test.each<[Partial<RelabelRule>, boolean]>([
    [{ action: 'keep', sourceLabels: ['__name__'], regex: 'load|up' }, true],
    [{ action: 'keep', sourceLabels: ['__name__'], regex: 'loa' }, false],
    [{ action: 'keep', sourceLabels: ['none'], regex: '' }, true],
    [{ action: 'drop', sourceLabels: ['zone', '__name__'], regex: 'North;load' }, false],
    [{ action: 'drop', sourceLabels: ['zone'], regex: 'north' }, true],
    [{ action: 'drop', sourceLabels: ['zone'], regex: '(?i)north' }, false],
    [{ action: 'keepequal', sourceLabels: ['zone'], targetLabel: 'zone' }, true],
    [{ action: 'keepequal', sourceLabels: ['zone'], targetLabel: 'instance' }, false],
    [{ action: 'dropequal', sourceLabels: ['none'], targetLabel: 'other' }, false],
    [{ action: 'dropequal', sourceLabels: ['zone'], targetLabel: 'other' }, true],
  ])('%j keeps it: %s', (rule, kept) => expect(relabelled(host, rule)).toEqual(kept ? host : undefined))

  test('what is dropped meets no further rule', () => {
    const rules = [
      { action: 'drop', regex: '' },
      { targetLabel: 'zone', replacement: 'x' },
    ] as const
    expect(relabelled(host, ...rules)).toBeUndefined()
  })
})

describe('rules about names', () => {
  test('labelmap copies, labeldrop and labelkeep choose', () => {
    const labels = { __name__: 'up', tag_a: '1', tag_b: '2', other: '3' }
    expect(relabelled(labels, { action: 'labelmap', regex: 'tag_(.+)' })).toEqual({ ...labels, a: '1', b: '2' })
    expect(relabelled(labels, { action: 'labelmap', regex: 'tag_.+', replacement: 'tag' })).toEqual({ ...labels, tag: '2' })
    expect(relabelled(labels, { action: 'labeldrop', regex: 'tag_.+' })).toEqual({ __name__: 'up', other: '3' })
    expect(relabelled(labels, { action: 'labelkeep', regex: '__name__|other' })).toEqual({ __name__: 'up', other: '3' })
  })
})

describe('rules that compute', () => {
  test('lowercase and uppercase', () => {
    expect(relabelled(host, { action: 'lowercase', sourceLabels: ['zone'], targetLabel: 'zone' })?.zone).toBe('north')
    expect(relabelled(host, { action: 'uppercase', sourceLabels: ['zone', '__name__'], targetLabel: 'z' })?.z).toBe('NORTH;LOAD')
  })

  test('hashmod is the number of the last eight bytes of MD5, as Prometheus spreads its targets', () => {
    const rule = { action: 'hashmod', sourceLabels: ['c'], targetLabel: 'd', modulus: 1000 } as const
    // A vector of Prometheus' own.
    expect(relabelled({ c: 'baz' }, rule)?.d).toBe('976')
    const sum = BigInt(`0x${createHash('md5').update('foo\nbar').digest('hex').slice(16)}`)
    expect(relabelled({ c: 'foo\nbar' }, rule)?.d).toBe(String(sum % 1000n))
  })
})

test('a later rule sees what an earlier one made', () => {
  const rules = [
    { sourceLabels: ['instance'], regex: '(db)-.*', targetLabel: 'team' },
    { action: 'keep', sourceLabels: ['team'], regex: 'db' },
    { action: 'labeldrop', regex: 'instance|zone' },
  ] as const
  expect(relabelled(host, ...rules)).toEqual({ __name__: 'load', team: 'db' })
})

test('hostile names and a pattern that would make backtracking explode', () => {
  const rule = { sourceLabels: ['constructor'], targetLabel: 'x', replacement: '<$constructor>' }
  expect(relabelled({ ['__proto__']: 'a' }, rule)).toEqual({ ['__proto__']: 'a', x: '<>' })
  const long = { a: 'a'.repeat(50_000) }
  const beganMs = performance.now()
  expect(relabelled(long, { action: 'keep', sourceLabels: ['a'], regex: '(a+)+b' })).toBeUndefined()
  expect(performance.now() - beganMs).toBeLessThan(20_000)
})

test.each(['(', '(?=a)', '\\1', `(${'a|'.repeat(6000)})`])('%.20s is refused', (regex) => {
  expect(() => createRelabel([{ ...defaults, regex, targetLabel: 'x' }])).toThrow(RelabelError)
})
