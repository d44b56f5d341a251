import { expect, test } from 'vitest'
import { writeFormat } from './write-format.ts'

const of = (type: string | undefined, encoding: string | undefined = 'snappy') =>
  writeFormat({ 'content-type': type, 'content-encoding': encoding })

test.each([
  ['application/x-protobuf', '1.0'],
  ['application/x-protobuf;proto=prometheus.WriteRequest', '1.0'],
  ['Application/X-Protobuf; proto="io.prometheus.write.v2.Request"', '2.0'],
  ['application/x-protobuf; charset=utf-8; proto=io.prometheus.write.v2.Request', '2.0'],
])('%s is %s', (type, version) => {
  expect(of(type)).toEqual({ version })
})

test('another type, message or encoding is told what is expected', () => {
  expect(of('application/json')).toEqual({ problem: 'expected content type application/x-protobuf' })
  expect(of(undefined)).toEqual({ problem: 'expected content type application/x-protobuf' })
  expect(of('application/x-protobuf', 'gzip')).toEqual({ problem: 'expected content encoding snappy' })
  expect(of('application/x-protobuf', '')).toEqual({ problem: 'expected content encoding snappy' })
  expect(of('application/x-protobuf;proto=io.prometheus.write.v3.Request')).toHaveProperty('problem')
})
