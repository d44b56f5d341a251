/** How to mute a series, as the command line and the file of mutes take it. Pure. */
import type { LabelPair } from '../api-model.ts'

export interface MuteSubject {
  readonly episodeId: string
  readonly metric: string
  readonly labels: readonly LabelPair[]
}

/** In a form that a shell does not touch: label values come from strangers. */
export function muteCommand(subject: MuteSubject): string {
  const matchers = matchersOf(subject).map((matcher) => `-m ${shellText(matcher)}`)
  return ['./lapwing mute add', ...matchers, '--for 2h', '--author YOU', '--comment "WHY"'].join(' \\\n  ')
}

/** An entry of `mutes:` for two hours from now. */
export function muteYaml(subject: MuteSubject, nowMs: number): string {
  const matchers = matchersOf(subject).map((matcher) => `      - ${JSON.stringify(matcher)}`)
  return [
    'mutes:',
    `  - id: page-${subject.episodeId.replace(/[^\w.-]/g, '').slice(0, 12)}`,
    '    matchers:',
    ...matchers,
    `    starts_at: ${timeText(nowMs)}`,
    `    ends_at: ${timeText(nowMs + 2 * 3_600_000)}`,
    '    author: YOU',
    '    comment: WHY',
  ].join('\n')
}

function matchersOf({ metric, labels }: MuteSubject): string[] {
  const named = labels.filter(([name]) => name !== '__name__' && /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name))
  return [...(metric ? [['metric', metric] as const] : []), ...named].map(([name, value]) => `${name}=${JSON.stringify(value)}`)
}

function shellText(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
