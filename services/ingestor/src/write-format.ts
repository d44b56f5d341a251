/**
 * Which version of remote write a request speaks, judged by its headers alone, as the specification asks: never by its body.
 *
 * Source: Prometheus Remote-Write specifications 1.0 and 2.0, "Protocol".
 */
import type { WriteVersion } from '@lapwing/prometheus/remote-write-decoder'

export const mediaType = 'application/x-protobuf'

/** What is wrong with the format, or its version. Without a `proto` parameter it is 1.0. */
export function writeFormat(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): { readonly version: WriteVersion } | { readonly problem: string } {
  const [type, ...parameters] = String(headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase())
  if (type !== mediaType) return { problem: `expected content type ${mediaType}` }
  if (headers['content-encoding'] !== 'snappy') return { problem: 'expected content encoding snappy' }
  const proto = parameters.find((parameter) => parameter.startsWith('proto='))
  const version = proto === undefined ? '1.0' : versions[proto.slice('proto='.length).replaceAll('"', '')]
  return version ? { version } : { problem: 'expected proto=prometheus.WriteRequest or proto=io.prometheus.write.v2.Request' }
}

const versions: Readonly<Record<string, WriteVersion>> = {
  'prometheus.writerequest': '1.0',
  'io.prometheus.write.v2.request': '2.0',
}
