/**
 * Readers for the compressions that Kafka knows and kafkajs lacks: snappy, lz4 and zstd.
 *
 * Without them one record of another producer, or a topic's `compression.type`, ends a consumer for good. Nothing is written
 * compressed: a broker compresses a topic whose configuration says so. Blind spot: what a batch unpacks to is not bounded
 * here, so who may write to the topics must be trusted that far.
 *
 * Sources: Kafka protocol, "Record Batch"; xerial snappy-java, SnappyOutputStream, for the framing Java producers use.
 */
import { decompress as decompressZstd } from 'fzstd'
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'
import snappy from 'snappy'

/** Global to kafkajs; doing it again changes nothing. */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs
  CompressionCodecs[CompressionTypes.Snappy] = () => readOnly('snappy', decompressSnappy)
  CompressionCodecs[CompressionTypes.LZ4] = () => readOnly('lz4', (bytes) => lz4.decompressFrame(bytes))
  CompressionCodecs[CompressionTypes.ZSTD] = () => readOnly('zstd', async (bytes) => Buffer.from(decompressZstd(bytes)))
}

function readOnly(name: string, decompress: (bytes: Buffer) => Promise<Buffer>) {
  const compress = async () => {
    throw new Error(`${name} can be read here, not written; set the topic's compression.type instead`)
  }
  return { compress, decompress }
}

/** Raw snappy, or the chunks of snappy-java: a header of 16 bytes, then blocks, each after its length. */
export async function decompressSnappy(bytes: Buffer): Promise<Buffer> {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return uncompressBlock(bytes)
  const blocks: Buffer[] = []
  for (let at = xerialHeaderBytes; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    at += 4
    if (at + length > bytes.length) throw new Error('snappy block runs past the end of its batch')
    blocks.push(await uncompressBlock(bytes.subarray(at, at + length)))
    at += length
  }
  return Buffer.concat(blocks)
}

const xerialMagic = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0])
const xerialHeaderBytes = 16

async function uncompressBlock(block: Buffer): Promise<Buffer> {
  return (await snappy.uncompress(block, { asBuffer: true })) as Buffer
}
