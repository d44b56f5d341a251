/** The import table of docs/ARCHITECTURE.md, as rules. Each forbids what its row forbids; tests and benches may look sideways. */
const ownTests = '\\.(test|bench|integration\\.test)\\.ts$|/testing/'

/** Nothing in `from` may import what matches `to`. */
function never(name, from, to, comment) {
  return { name, comment, severity: 'error', from: { path: from, pathNot: ownTests }, to }
}

const npmPackage = (names) => ({ path: `node_modules/(${names})(/|$)` })

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: { pathNot: 'node_modules' },
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    { name: 'no-undeclared', severity: 'error', from: { pathNot: 'node_modules' }, to: { couldNotResolve: true } },
    never(
      'detection-is-pure',
      '^libs/detection/src',
      { path: '^(libs/(?!detection|contracts)|services|cli|deploy)|node_modules', dependencyTypesNot: ['type-only'] },
      'pure mathematics',
    ),
    never('detection-no-io', '^libs/detection/src', { dependencyTypes: ['core'] }, 'pure mathematics'),
    never(
      'alerting-is-pure',
      '^libs/alerting/src',
      { path: '^(libs/(?!alerting|contracts)|services|cli|deploy)' },
      'pure decisions',
    ),
    never('alerting-no-io', '^libs/alerting/src', { dependencyTypes: ['core'] }, 'pure decisions'),
    never(
      'contracts-alone',
      '^libs/contracts/src',
      { path: '^(libs/(?!contracts)|services|cli|deploy)' },
      'what crosses a process boundary, and nothing else',
    ),
    never(
      'stream-knows-only-contracts',
      '^libs/stream/src',
      { path: '^(libs/(?!stream|contracts)|services|cli|deploy)' },
      'logger, registry and clock arrive as arguments',
    ),
    never(
      'service-knows-no-log',
      '^libs/service/src',
      { path: '^(libs/(?!service)|services|cli|deploy)' },
      'the life of a process',
    ),
    never(
      'prometheus-is-below',
      '^libs/prometheus/src',
      { path: '^(libs/(?!prometheus|contracts|service)|services|cli|deploy)' },
      'the Prometheus side, and how people configure the access to it',
    ),
    never(
      'queries-alone',
      '^libs/queries/src',
      { path: '^(libs/(?!queries)|services|cli|deploy)' },
      'what is asked and how it is judged: read by several services',
    ),
    never(
      'grafana-alone',
      '^libs/grafana/src',
      { path: '^(libs/(?!grafana)|services|cli|deploy)' },
      'a client of Grafana and our dashboards; credentials arrive as arguments',
    ),
    never('only-stream-has-kafkajs', '^(libs/(?!stream)|services|cli|deploy|bench|quality)', npmPackage('kafkajs'), 'the seam'),
    never('only-contracts-has-avsc', '^(libs/(?!contracts)|services|cli|deploy|bench|quality)', npmPackage('avsc'), 'the codec'),
    never(
      'only-deep-has-tensorflow',
      '^(libs/(?!deep)|services|cli|deploy|bench|quality)',
      npmPackage('@tensorflow'),
      'the choice of backend',
    ),
    never(
      'deep-knows-only-detection',
      '^libs/deep/src',
      { path: '^(libs/(?!deep|detection)|services|cli|deploy)' },
      'batch models; configuration and logger arrive as arguments',
    ),
    never(
      'models-know-no-log',
      '^libs/models/src',
      { path: '^(libs/(?!models|contracts|deep|detection)|services|cli|deploy)' },
      'the life of models; who writes it down stands above',
    ),
    never(
      'evaluation-judges-records',
      '^libs/evaluation/src',
      { path: '^(libs/(?!evaluation|contracts|service)|services|cli|deploy)' },
      'what is true is counted, and nothing is decided',
    ),
    never('evaluation-no-io', '^libs/evaluation/src', { dependencyTypes: ['core'] }, 'what is true is counted'),
    never(
      'reports-read-the-log',
      '^libs/reports/src',
      { path: '^(libs/(?!reports|alerting|contracts|evaluation|stream)|services|cli|deploy)' },
      'what the log says of a time; who sends it stands above',
    ),
    never('libs-know-no-service', '^libs', { path: '^(services|cli|deploy)' }, 'libraries are below'),
    {
      name: 'services-meet-in-topics',
      comment: 'a service never imports another',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: ownTests },
      to: { path: '^services/([^/]+)/', pathNot: '^services/$1/' },
    },
    never('services-know-no-cli', '^services', { path: '^(cli|deploy)' }, 'services are below'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
  },
}
