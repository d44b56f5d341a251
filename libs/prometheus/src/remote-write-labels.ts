/** The labels of a series of remote write 1.0, from the bytes of their fields. */
import { type LabelSet, sortedLabels } from '@lapwing/contracts/series'
import { PbfReader } from 'pbf'
import { WriteError } from './remote-write-errors.ts'
import { messageEnd } from './remote-write-fields.ts'
import { internText } from './series-samples.ts'

/** Labels that break the specification, or are more than is taken: the series is left out. */
export class LabelProblem extends Error {
  readonly reason: 'invalid' | 'label_limit'
  constructor(message: string, reason: LabelProblem['reason'] = 'invalid') {
    super(message)
    this.reason = reason
  }
}

/** Bytes of the labels of one series; more would not fit a record of the log. */
export const labelBytesMax = 64 * 1024

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws LabelProblem, or WriteError for damaged bytes. A label without a value is the same as no label. */
export function readLabels(labelBytes: string): LabelSet {
  if (labelBytes.length > labelBytesMax) throw new LabelProblem(`labels of ${labelBytes.length} bytes, at most ${labelBytesMax}`)
  const bytes = Buffer.from(labelBytes, 'latin1')
  const reader = new PbfReader(bytes)
  const pairs = new Map<string, string>()
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    const [name, value] = readLabel(reader, messageEnd(reader, bytes.length))
    if (name === '') throw new LabelProblem('a label without a name')
    if (pairs.has(name)) throw new LabelProblem(`label ${name} twice`)
    if (value !== '') pairs.set(internText(name).text, internText(value).text)
  }
  if (!pairs.has('__name__')) throw new LabelProblem('a series without a metric name')
  return sortedLabels(pairs)
}

function readLabel(reader: PbfReader, end: number): [name: string, value: string] {
  const texts: [string, string] = ['', '']
  for (let field = reader.nextField(end); field !== 0; field = reader.nextField(end)) {
    if (field !== 1 && field !== 2) continue
    const textEnd = messageEnd(reader, end)
    texts[field - 1] = readText(reader.buf.subarray(reader.pos, textEnd))
    reader.pos = textEnd
  }
  if (reader.pos !== end) throw new WriteError('malformed', 'a label does not end where it should')
  return texts
}

function readText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new LabelProblem('a label that is not UTF-8')
  }
}
