import kafkajs from 'kafkajs'
import snappy from 'snappy'
import { describe, expect, test } from 'vitest'
import { decompressSnappy, registerCodecs } from './kafka-codecs.ts'

const text = Buffer.from('lapwing '.repeat(1000))

/** As snappy-java writes: magic, two versions, then blocks after their lengths. */
function xerial(...blocks: Buffer[]): Buffer {
  const header = Buffer.concat([Buffer.from([0x82]), Buffer.from('SNAPPY\0'), Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    return [length, block]
  })
  return Buffer.concat([header, ...framed])
}

describe('snappy', () => {
  test('is read raw', async () => {
    expect(await decompressSnappy(snappy.compressSync(text))).toEqual(text)
  })

  test('is read in the blocks of Java producers', async () => {
    const blocks = [text.subarray(0, 3000), text.subarray(3000)].map((part) => snappy.compressSync(part))
    expect(await decompressSnappy(xerial(...blocks))).toEqual(text)
    expect(await decompressSnappy(xerial())).toEqual(Buffer.alloc(0))
  })

  test('that ends within a block is refused', async () => {
    const whole = xerial(snappy.compressSync(text))
    await expect(decompressSnappy(whole.subarray(0, -1))).rejects.toThrow('past the end')
    await expect(decompressSnappy(Buffer.from('not snappy'))).rejects.toThrow()
  })
})

test.each(['Snappy', 'LZ4', 'ZSTD'] as const)('%s is not written', async (name) => {
  registerCodecs()
  const codec = kafkajs.CompressionCodecs[kafkajs.CompressionTypes[name]]()
  await expect(codec.compress({ buffer: text })).rejects.toThrow('can be read here, not written')
})
