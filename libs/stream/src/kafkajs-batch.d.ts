/** The one part of kafkajs that is used from inside: it leaves out aborted transactions and control records. */
declare module 'kafkajs/src/consumer/batch.js' {
  import type { KafkaMessage } from 'kafkajs'

  export default class Batch {
    constructor(topic: string, fetchedOffset: string, partitionData: FetchedPartition)
    /** What a reader of committed records may see, from the fetched offset on. */
    readonly messages: KafkaMessage[]
    /** All that the broker sent, from before the fetched offset too when its batch begins there. */
    readonly rawMessages: { readonly offset: string }[]
  }

  export interface FetchedPartition {
    readonly partition: number
    readonly highWatermark: string
    readonly lastStableOffset: string
  }
}
