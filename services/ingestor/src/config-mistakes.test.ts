/** Mistakes in a file: each is told with the file, its line, its key, what was expected there and what was found. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, commonSections, loadConfig } from '@lapwing/service/config'
import { afterAll, expect, test } from 'vitest'
import { ingestorSchema } from './config.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-mistakes-'))
const secretFile = join(folder, 'secret')
writeFileSync(secretFile, 'hunter2\n')
afterAll(() => rmSync(folder, { recursive: true }))

/** The problems with section `ingestor` of a file, without its name; its first line is line 2. */
function problemsOf(section: string): string[] {
  const file = join(folder, 'lapwing.yaml')
  writeFileSync(file, `ingestor:\n${section.replace(/^/gm, '  ')}\n`)
  try {
    loadConfig({ ...commonSections, ingestor: ingestorSchema }, { file, environment: {}, sets: [] })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((problem) => problem.replace(`${file}:`, ''))
  }
  return []
}

const rules = (...lines: string[]) => `metric_relabel_configs:\n  - action: keep\n    regex: a\n${lines.join('\n')}`
const write = (...lines: string[]) => `remote_write:\n${lines.join('\n')}`
const rule = 'ingestor.metric_relabel_configs.1'

test.each([
  [
    'an action that there is not',
    rules('  - regex: x', '    action: throw'),
    `6: ${rule}.action: Invalid option: expected one of "replace"|"keep"|"drop"|"keepequal"|"dropequal"|"hashmod"|"labelmap"|"labeldrop"|"labelkeep"|"lowercase"|"uppercase"; found "throw"`,
  ],
  [
    'a regular expression that is none',
    rules('  - action: drop', "    regex: '(go_.*'"),
    `6: ${rule}.regex: expected a regular expression without backtracking (RE2): error parsing regexp: missing closing ): \`(?s)(go_.*\`; found "(go_.*"`,
  ],
  [
    'hashmod without a modulus',
    rules('  - action: hashmod', '    target_label: shard'),
    `5: ${rule}.modulus: expected at least 1 for hashmod; nothing is set`,
  ],
  [
    'a rule without the label that it writes',
    rules('  - source_labels: [job]'),
    `5: ${rule}.target_label: expected a label name for replace; nothing is set`,
  ],
  [
    'a key that its action does not use',
    rules('  - action: labeldrop', '    regex: code', '    source_labels: [code]'),
    `7: ${rule}.source_labels: not used by labeldrop, which looks at all names; found ["code"]`,
  ],
  [
    'a key that is misspelt',
    rules('  - action: drop', '    source_label: [job]'),
    `6: ${rule}.source_label: unknown key; expected one of source_labels, separator, regex, modulus, target_label, replacement, action`,
  ],
])('relabelling: %s', (_, section, problem) => {
  expect(problemsOf(section)).toEqual([problem])
})

test.each([
  [
    'a limit of none',
    write('  limits:', '    per_tenant:', '      active_series: 0'),
    '5: ingestor.remote_write.limits.per_tenant.active_series: Too small: expected number to be >=1; found 0',
  ],
  [
    'a limit that is no number',
    write('  limits:', '    per_source:', '      samples_per_second: many'),
    '5: ingestor.remote_write.limits.per_source.samples_per_second: expected number; found "many"',
  ],
  [
    'a burst of no rate',
    write('  limits:', '    per_tenant:', '      burst: 100'),
    '5: ingestor.remote_write.limits.per_tenant.burst: expected samples_per_second beside it; found 100',
  ],
  [
    'whose limit is not told',
    write('  limits:', '    active_series: 100'),
    '4: ingestor.remote_write.limits.active_series: unknown key; expected one of per_tenant, per_source',
  ],
  [
    'a tenant that no header could name',
    write('  credentials:', '    - bearer_token: a', '      tenant: shop|bank'),
    `5: ingestor.remote_write.credentials.0.tenant: expected a tenant of letters, digits and !-_.*'(), at most 150; found "shop|bank"`,
  ],
  [
    'a label without a name',
    write("  tenant_label: ''"),
    '3: ingestor.remote_write.tenant_label: Too small: expected string to have >=1 characters; found ""',
  ],
])('limits and tenants: %s', (_, section, problem) => {
  expect(problemsOf(section)).toEqual([problem])
})

test.each([
  [
    'a credential of no kind',
    write('  credentials:', '    - bearer_token: a', '    - name: shop'),
    '5: ingestor.remote_write.credentials.1: expected one of bearer_token, bearer_token_file and basic_auth; found {name}',
  ],
  [
    'a credential of two kinds',
    write('  credentials:', '    - bearer_token: hunter2', `      bearer_token_file: ${secretFile}`),
    '4: ingestor.remote_write.credentials.0: expected one of bearer_token, bearer_token_file and basic_auth; found {bearer_token, bearer_token_file}',
  ],
  [
    'a file that is not there',
    write('  credentials:', '    - bearer_token_file: /nowhere/token'),
    '4: ingestor.remote_write.credentials.0.bearer_token_file: expected a file that can be read (ENOENT); found "/nowhere/token"',
  ],
  [
    'a name without a password',
    write('  basic_auth:', '    username: ops'),
    '3: ingestor.remote_write.basic_auth: expected password or password_file; found {username}',
  ],
  [
    'a password that is no text',
    write('  basic_auth:', '    username: ops', '    password: 4711'),
    '5: ingestor.remote_write.basic_auth.password: expected text in quotes; found "[secret]"',
  ],
  [
    'TLS without a key',
    write('  tls:', `    cert_file: ${secretFile}`),
    '3: ingestor.remote_write.tls.key_file: expected string; nothing is set',
  ],
  [
    'authorities of clients that are not there',
    write('  tls:', `    cert_file: ${secretFile}`, `    key_file: ${secretFile}`, '    client_ca_file: clients.pem'),
    '6: ingestor.remote_write.tls.client_ca_file: expected a file that can be read (ENOENT); found "clients.pem"',
  ],
  [
    'a port beyond all ports',
    write('  tls:', `    cert_file: ${secretFile}`, `    key_file: ${secretFile}`, '    port: 84430'),
    '6: ingestor.remote_write.tls.port: Too big: expected number to be <=65535; found 84430',
  ],
  [
    'a certificate of ours without its key',
    `prometheus_access:\n  tls:\n    cert_file: ${secretFile}`,
    '3: ingestor.prometheus_access.tls: expected cert_file and key_file together; found {cert_file}',
  ],
])('credentials and certificates: %s', (_, section, problem) => {
  expect(problemsOf(section)).toEqual([problem])
})

test.each([
  [
    'a silence that is too short to be told of twice',
    write('  ha:', '    failover_timeout: 1s'),
    '4: ingestor.remote_write.ha.failover_timeout: expected a duration of at least 2000 ms; found "1s"',
  ],
  [
    'a label without a name',
    write('  ha:', "    replica_label: ''"),
    '4: ingestor.remote_write.ha.replica_label: Too small: expected string to have >=1 characters; found ""',
  ],
  [
    'a switch that is none',
    write('  ha:', '    enabled: maybe'),
    '4: ingestor.remote_write.ha.enabled: expected boolean; found "maybe"',
  ],
  [
    'a key of Mimir',
    write('  ha:', '    ha_cluster_label: c'),
    '4: ingestor.remote_write.ha.ha_cluster_label: unknown key; expected one of enabled, cluster_label, replica_label, failover_timeout',
  ],
])('pairs: %s', (_, section, problem) => {
  expect(problemsOf(section)).toEqual([problem])
})

test('all mistakes of a file are told at once', () => {
  const section = `${write('  tenant: shop', '  ha:', '    failover_timeout: soon')}\n${rules('  - action: hashmod')}`
  expect(problemsOf(section)).toEqual([
    `9: ${rule}.modulus: expected at least 1 for hashmod; nothing is set`,
    `9: ${rule}.target_label: expected a label name for hashmod; nothing is set`,
    '5: ingestor.remote_write.ha.failover_timeout: expected a duration such as 15s, 5m or 1h30m; found "soon"',
    '3: ingestor.remote_write.tenant: unknown key; expected one of enabled, bearer_token, bearer_token_file, basic_auth, credentials, tls, ha, tenant_label, limits',
  ])
})
