/**
 * How many labels a series may have and how long they may be, whichever way it comes in.
 *
 * A name that somebody builds from user input would otherwise fill the symbol table of every batch, every cache of series and every
 * message about it. Names and meaning as in Prometheus' scrape configuration; there 0 means no limit, here there always is one.
 */
import type { LabelSet } from '@lapwing/contracts/series'

export interface LabelLimits {
  /** Labels of a series, its metric name included. */
  readonly labels: number
  /** UTF-16 code units. */
  readonly nameLength: number
  /** UTF-16 code units. */
  readonly valueLength: number
}

/** The first label that is over a limit, in words for whoever sent it; undefined when all are within. */
export function labelOverLimit(labels: LabelSet, { labels: most, nameLength, valueLength }: LabelLimits): string | undefined {
  if (labels.length > most) return `${labels.length} labels, at most ${most} (label_limit)`
  for (const { name, value } of labels) {
    if (name.length > nameLength)
      return `a label name of ${name.length} characters, at most ${nameLength} (label_name_length_limit): ${beginning(name)}`
    if (value.length > valueLength)
      return `label ${beginning(name)} is ${value.length} characters long, at most ${valueLength} (label_value_length_limit)`
  }
  return undefined
}

function beginning(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
