import { seriesText } from '@lapwing/contracts/series'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ExpositionError, type ExpositionFormat, formatOf, parseExposition, seriesLabels } from './exposition.ts'

/** Each sample in a line: series, value, timestamp, and `counter` for one. */
function read(text: string, format: ExpositionFormat = 'text'): string[] {
  const found: string[] = []
  parseExposition(text, format, ({ series, value, timestampMs, isCounter }) =>
    found.push([seriesText(seriesLabels(series)), value, timestampMs ?? '-', ...(isCounter ? ['counter'] : [])].join(' ')),
  )
  return found
}

describe('text format', () => {
  test('the example of the documentation', () => {
    const page = `# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045

# HELP http_request_duration_seconds A histogram of the request duration.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320

# TYPE rpc_duration_seconds summary
rpc_duration_seconds{quantile="0.01"} 3102
rpc_duration_seconds_sum 1.7560473e+07
rpc_duration_seconds_count 2693
`
    expect(read(page)).toEqual([
      'http_requests_total{code="200",method="post"} 1027 1395066363000 counter',
      'http_requests_total{code="400",method="post"} 3 1395066363000 counter',
      'msdos_file_access_time_seconds{error="Cannot find file:\\n\\"FILE.TXT\\"",path="C:\\\\DIR\\\\FILE.TXT"} 1458255915 -',
      'metric_without_timestamp_and_labels 12.47 -',
      'something_weird{problem="division by zero"} Infinity -3982045',
      'http_request_duration_seconds_bucket{le="0.05"} 24054 - counter',
      'http_request_duration_seconds_bucket{le="+Inf"} 144320 - counter',
      'http_request_duration_seconds_sum 53423 - counter',
      'http_request_duration_seconds_count 144320 - counter',
      'rpc_duration_seconds{quantile="0.01"} 3102 -',
      'rpc_duration_seconds_sum 17560473 - counter',
      'rpc_duration_seconds_count 2693 - counter',
    ])
  })

  test.each([
    ['tabs, spaces, a trailing comma, carriage returns', 'a\t{ b = "c" , }\t1\r\n', ['a{b="c"} 1 -']],
    ['braces and hashes in a value', 'a{b="} # {"} 1', ['a{b="} # {"} 1 -']],
    [
      'numbers as Go writes them',
      'a NaN\nb -Inf\nc 1e-09\nd .5\ne +7',
      ['a NaN -', 'b -Infinity -', 'c 1e-9 -', 'd 0.5 -', 'e 7 -'],
    ],
    ['an empty label as none', 'a{b="",c="d"} 1', ['a{c="d"} 1 -']],
    ['no labels in braces', 'a{} 1', ['a 1 -']],
    ['names in quotes', '{"http.requests",code="200"} 1', ['http.requests{code="200"} 1 -']],
    [
      'a counter without a type, and a gauge called total',
      'x_total 1\n# TYPE y_total gauge\ny_total 1',
      ['x_total 1 - counter', 'y_total 1 -'],
    ],
    ['nothing', '', []],
  ])('%s', (_, page, expected) => expect(read(page)).toEqual(expected))

  test.each([
    ['a', 1, 'value'],
    ['ok 1\na{b="c} 1', 2, 'not closed'],
    ['a{b="c" 1', 1, 'not closed'],
    ['a{b=c} 1', 1, 'quoted value'],
    ['a{b="c" d="e"} 1', 1, 'expected , or }'],
    ['a{b="1",b="2"} 1', 1, 'twice'],
    ['a 1 2 3', 1, 'at most a timestamp'],
    ['a one', 1, '"one" is no number'],
    ['a 1 now', 1, '"now" is no timestamp'],
    ['1a 1', 1, 'metric name'],
    ['<html>', 1, 'metric name'],
  ])('%j is refused with its line', (page, line, problem) => {
    let error: unknown
    try {
      read(page)
    } catch (refusal) {
      error = refusal
    }
    expect(error).toBeInstanceOf(ExpositionError)
    expect((error as Error).message).toContain(problem)
    // Labels are read by the caller, who knows the line.
    expect([0, line]).toContain((error as ExpositionError).line)
  })
})

describe('OpenMetrics', () => {
  test('seconds, exemplars, units, created and the end', () => {
    const page = `# TYPE acme_http_router_request_seconds summary
# UNIT acme_http_router_request_seconds seconds
acme_http_router_request_seconds_sum{path="/api/v1"} 9036.32 1520879607.789
acme_http_router_request_seconds_created{path="/api/v1"} 1605281325.0
# TYPE foo counter
foo_total 17.0 # {trace_id="abc"} 0.67 1520879607.7
foo_created 1520430000.123
# TYPE bar histogram
bar_bucket{le="0.1"} 8 # {} 0.054
# EOF
`
    expect(read(page, 'openmetrics')).toEqual([
      'acme_http_router_request_seconds_sum{path="/api/v1"} 9036.32 1520879607789 counter',
      'foo_total 17 - counter',
      'bar_bucket{le="0.1"} 8 - counter',
    ])
  })

  test('a page that is cut short, or goes on after its end, is refused', () => {
    expect(() => read('a 1\n', 'openmetrics')).toThrow('cut short')
    expect(() => read('a 1\n# EOF\nb 1\n', 'openmetrics')).toThrow('line 3: something after # EOF')
  })

  test.each([
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
    ['text/plain; version=0.0.4', 'text'],
    [null, 'text'],
  ])('%s is read as %s', (type, format) => expect(formatOf(type)).toBe(format))
})

describe('any page', () => {
  test('what labels hold comes back as it was', () => {
    const labelValue = fc.string({ unit: 'grapheme', minLength: 1 })
    const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    fc.assert(
      fc.property(
        fc.array(labelValue, { maxLength: 4 }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (values, number) => {
          const labels = values.map((value, i) => `l${i}="${escaped(value)}"`).join(',')
          const found: [unknown, number][] = []
          parseExposition(`m{${labels}} ${number}\n`, 'text', ({ series, value }) =>
            found.push([
              seriesLabels(series)
                .slice(1)
                .map(({ value }) => value),
              value,
            ]),
          )
          // A carriage return at the end of a line belongs to the line break.
          expect(found).toEqual([[values, number + 0]])
        },
      ),
    )
  })

  test('is read or refused with an ExpositionError, never anything else', () => {
    const pieces = fc.constantFrom(
      'a',
      '{',
      '}',
      '"',
      '\\',
      '=',
      ',',
      ' ',
      '\n',
      '# TYPE a counter\n',
      '1',
      'NaN',
      '# EOF',
      'é',
      '\t',
    )
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 40 }),
        fc.constantFrom<ExpositionFormat>('text', 'openmetrics'),
        (parts, format) => {
          try {
            read(parts.join(''), format)
          } catch (error) {
            expect(error).toBeInstanceOf(ExpositionError)
          }
        },
      ),
      { numRuns: 5000 },
    )
  })
})
