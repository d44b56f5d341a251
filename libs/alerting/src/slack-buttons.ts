/**
 * The buttons under a Slack message, and what one says when somebody presses it.
 *
 * A button carries the episodes that the message is about, so whichever process Slack reaches can write the verdict, also after a restart.
 * Of an incident so large that its episodes do not fit, the verdict is on those that do, in the order of their joining.
 *
 * Source: Slack "Block Kit: button element": a value of at most 2,000 characters, an action id of at most 255.
 */
import type { Alert, Verdict } from '@lapwing/contracts/records'

export interface SlackActions {
  readonly type: 'actions'
  readonly elements: readonly SlackButton[]
}

export interface SlackButton {
  readonly type: 'button'
  readonly text: { readonly type: 'plain_text'; readonly text: string; readonly emoji: false }
  readonly action_id: string
  readonly value: string
}

/** Where the anomaly records of an alert are. */
export type PartitionOf = (alert: Alert) => number

/** Episodes of one partition of the anomalies topic. */
export interface EpisodesOfPartition {
  readonly partition: number
  readonly episodeIds: readonly string[]
}

export interface PressedButton {
  readonly verdict: Verdict
  /** How long it holds; null for good. */
  readonly forMs: number | null
  readonly places: readonly EpisodesOfPartition[]
}

interface ButtonMeaning {
  readonly verdict: Verdict
  readonly text: string
  readonly forMs: number | null
}

const hourMs = 3_600_000

const buttons: Readonly<Record<string, ButtonMeaning>> = {
  'lapwing/confirmed': { verdict: 'confirmed', text: 'It is real', forMs: null },
  'lapwing/false_alarm': { verdict: 'false_alarm', text: 'False alarm', forMs: null },
  'lapwing/known_4h': { verdict: 'known', text: 'Known for 4 h', forMs: 4 * hourMs },
  'lapwing/new_normal': { verdict: 'new_normal', text: 'The new normal', forMs: null },
  'lapwing/undone': { verdict: 'undone', text: 'Take it back', forMs: null },
}

/** What can be said of an episode that lasts, one that is over, and one that a verdict has quieted. */
const choices = {
  firing: ['lapwing/confirmed', 'lapwing/false_alarm', 'lapwing/known_4h', 'lapwing/new_normal'],
  resolved: ['lapwing/confirmed', 'lapwing/false_alarm'],
  quiet: ['lapwing/undone'],
} as const

export const longestButtonValue = 2000

/** Empty when none of the episodes has an id that a button can carry. */
export function verdictButtons(
  members: readonly Alert[],
  state: keyof typeof choices,
  partitionOf: PartitionOf,
): readonly SlackActions[] {
  const value = buttonValue(members, partitionOf)
  return value === '' ? [] : [{ type: 'actions', elements: choices[state].map((id) => button(id, value)) }]
}

/** The button that takes back what was just said. */
export function undoButton(value: string): SlackActions {
  return { type: 'actions', elements: [button('lapwing/undone', value)] }
}

/** Undefined when it is none of ours, or carries no episodes. */
export function readButton(actionId: string, value: string): PressedButton | undefined {
  if (!Object.hasOwn(buttons, actionId) || value.length > longestButtonValue) return undefined
  const { verdict, forMs } = buttons[actionId]!
  const places = value.split(';').map((place) => /^(\d{1,5}):([\w/,-]+)$/.exec(place))
  if (places.some((place) => place === null)) return undefined
  return {
    ...{ verdict, forMs },
    places: places.map((place) => ({ partition: Number(place![1]), episodeIds: place![2]!.split(',') })),
  }
}

function button(id: string, value: string): SlackButton {
  return { type: 'button', text: { type: 'plain_text', text: buttons[id]!.text, emoji: false }, action_id: id, value }
}

/** `3:EPISODE,EPISODE;5:EPISODE`. */
function buttonValue(members: readonly Alert[], partitionOf: PartitionOf): string {
  const byPartition = new Map<number, string[]>()
  let length = 0
  for (const alert of members) {
    if (!/^[\w/-]{1,100}$/.test(alert.id)) continue
    const partition = partitionOf(alert)
    const own = byPartition.get(partition)
    length += alert.id.length + 1 + (own ? 0 : String(partition).length + 1)
    if (length > longestButtonValue) break
    if (own) own.push(alert.id)
    else byPartition.set(partition, [alert.id])
  }
  return [...byPartition].map(([partition, ids]) => `${partition}:${ids.join(',')}`).join(';')
}
