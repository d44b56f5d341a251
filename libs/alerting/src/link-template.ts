/**
 * Links that depend on the alert: `https://runbooks.example/{metric}?team={label:team}`.
 *
 * Fields: `metric`, `severity`, `route` and `label:NAME`; each is put in as a part of an address, so no value leads elsewhere than
 * its place. An unknown field is refused when the template is read, and a label that an alert lacks is empty.
 */
import type { Alert } from '@lapwing/contracts/records'
import { ReadableError } from './readable-error.ts'

export type LinkTemplate = (alert: Alert) => string

/** Throws ReadableError. */
export function linkTemplate(text: string): LinkTemplate {
  const parts = text.split(/\{([^{}]*)\}/)
  if (!/^https?:\/\/[^/{}]+/.test(text)) throw new ReadableError('expected an address such as https://runbooks.example/{metric}')
  if (parts.some((part, i) => i % 2 === 0 && /[{}<>|\s]/.test(part))) {
    throw new ReadableError('expected an address in which every { has its }, without <, > or |')
  }
  const read = parts.map((part, i) => (i % 2 === 0 ? () => part : fieldOf(part)))
  return (alert) => read.map((each) => each(alert)).join('')
}

function fieldOf(name: string): LinkTemplate {
  if (name === 'metric' || name === 'severity' || name === 'route') return (alert) => encodeURIComponent(wellFormed(alert[name]))
  if (!/^label:.+/.test(name)) {
    throw new ReadableError(`expected {metric}, {severity}, {route} or {label:NAME}, and not {${name}}`)
  }
  const label = name.slice('label:'.length)
  return ({ labels }) => encodeURIComponent(wellFormed(labels.find((each) => each.name === label)?.value ?? ''))
}

/** A half of a surrogate pair has no place in an address. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd')
}
