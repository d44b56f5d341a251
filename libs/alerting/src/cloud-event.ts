/** An incident as a CloudEvent, for systems that are not made for people. */
import type { Alert } from '@lapwing/contracts/records'
import { descriptionText, episodePage, summaryText } from './alert-text.ts'
import { likelyCauses } from './likely-causes.ts'
import type { PodContext } from './pod-context.ts'
import type { Delivery } from './reconcile.ts'

/** As many causes as somebody would look at; `members` counts them all. */
const causesSent = 10

/** @param pods what happened to the pods of the incident, oldest first */
export function cloudEvent(
  { alert, tellings, members, quietedBy }: Delivery,
  pageUrl: string,
  pods: readonly PodContext[],
): object {
  const { id, route, state, severity } = alert
  return {
    specversion: '1.0',
    id: `${id}/${tellings.length}/${state}/${severity}`,
    source: `/lapwing/routes/${route}`,
    type: `io.lapwing.incident.${state}`,
    subject: id,
    time: new Date(alert.endedAtMs ?? alert.observedAtMs).toISOString(),
    datacontenttype: 'application/json',
    data: {
      ...{ incident: id, route, state, severity },
      summary: summaryText(alert),
      description: descriptionText(alert),
      startsAt: new Date(alert.startedAtMs).toISOString(),
      endsAt: alert.endedAtMs === null ? null : new Date(alert.endedAtMs).toISOString(),
      url: episodePage(pageUrl, alert),
      members: members.length,
      ...(quietedBy && { quietedBy: { verdict: quietedBy.verdict, author: quietedBy.author, comment: quietedBy.comment } }),
      causes: likelyCauses(members, causesSent).map(({ alert, likelihood, because }) => ({
        ...facts(alert),
        likelihood,
        because,
      })),
      pods: pods.map(({ atMs, text, when }) => ({ time: new Date(atMs).toISOString(), when, text })),
    },
  }
}

/** Labels as pairs: a map would lose a label called `__proto__`. Numbers that JSON does not have are null. */
function facts({ id, metric, labels, value, expected, lower, upper, score, startedAtMs }: Alert) {
  return { episode: id, metric, labels, value, expected, lower, upper, score, startsAt: new Date(startedAtMs).toISOString() }
}
