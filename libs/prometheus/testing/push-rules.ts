/** Rules for pushed series as they are without configuration, with limits that no test meets by accident. */
import type { PushRules } from '../src/pushed-series.ts'

export const pushRules: PushRules = {
  entityBy: ['instance'],
  relabel: (labels) => labels,
  limits: { labels: 20, nameLength: 100, valueLength: 100_000 },
  pair: { cluster: 'cluster', replica: '__replica__' },
  tenantLabel: 'tenant',
}
