/**
 * What the labels of a pushed series say of where it comes from, read once per series: which replica of a Prometheus pair sent it, and
 * whose it is.
 *
 * The replica label is taken off, so that both replicas of a pair send one and the same series. A tenant becomes a label, in place of one
 * that the sender may have put there itself. Both happen before relabelling, which therefore sees the tenant and not the replica.
 */
import { type LabelSet, sortedLabels } from '@lapwing/contracts/series'
import type { SeriesOrigin } from './known-series.ts'
import { createRecentCache } from './recent-cache.ts'
import { LabelProblem, readLabels } from './remote-write-labels.ts'
import { type IntakeRules, takeIn } from './series-intake.ts'

export interface PushRules extends IntakeRules {
  /** Names of the labels of a pair; undefined: pairs are not looked for. */
  readonly pair: PairLabels | undefined
  /** Name of the label that a tenant becomes. */
  readonly tenantLabel: string
}

/** What the replicas of a pair have in common, and what tells them apart. A series with both is one of a pair. */
export interface PairLabels {
  readonly cluster: string
  readonly replica: string
}

/** One of several senders of the same series. The same object for the same texts, as far as it is remembered. */
export interface SendingReplica {
  readonly tenant: string
  readonly cluster: string
  readonly replica: string
}

/** Reads label bytes; throws LabelProblem, or WriteError for damaged ones. */
export function originFinder(rules: PushRules): (labelBytes: string, tenant: string) => SeriesOrigin {
  const replicas = createRecentCache<SendingReplica>(1000)
  const intern = (made: SendingReplica) => {
    const key = JSON.stringify([made.tenant, made.cluster, made.replica])
    const known = replicas.get(key)
    if (known) return known
    replicas.set(key, made)
    return made
  }
  return (labelBytes, tenant) => {
    const sent = readLabels(labelBytes)
    const replica = rules.pair && replicaOf(sent, tenant, rules.pair)
    const own = replica ? sent.filter(({ name }) => name !== rules.pair?.replica) : sent
    const intake = takeIn(withTenant(own, tenant, rules.tenantLabel), rules)
    if (intake.reason === 'invalid' || intake.reason === 'label_limit') throw new LabelProblem(intake.problem, intake.reason)
    return { identity: intake.identity, replica: replica && intern(replica) }
  }
}

function replicaOf(labels: LabelSet, tenant: string, pair: PairLabels): SendingReplica | undefined {
  const replica = valueOfLabel(labels, pair.replica)
  const cluster = valueOfLabel(labels, pair.cluster)
  return replica === undefined || cluster === undefined ? undefined : { tenant, cluster, replica }
}

function valueOfLabel(labels: LabelSet, name: string): string | undefined {
  return labels.find((label) => label.name === name)?.value
}

function withTenant(labels: LabelSet, tenant: string, tenantLabel: string): LabelSet {
  if (tenant === '') return labels
  return sortedLabels([...labels.map(({ name, value }) => [name, value] as const), [tenantLabel, tenant]])
}
