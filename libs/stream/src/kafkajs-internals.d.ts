/** Types of the parts of kafkajs that are used from inside. kafkajs is frozen and pinned, so they cannot change unseen. */

/** Leaves out aborted transactions and control records. */
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

/** What is patched; only the test of the patch uses it. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  export interface QueuedRequest {
    readonly entry: { readonly correlationId: number; readonly [other: string]: unknown }
    readonly expectResponse: boolean
    sendRequest(): void
  }

  export default class RequestQueue {
    constructor(options: {
      maxInFlightRequests: number
      requestTimeout: number
      enforceRequestTimeout: boolean
      clientId: string
      broker: string
      logger: object
    })
    readonly inflight: Map<number, unknown>
    push(request: QueuedRequest): void
    fulfillRequest(response: { correlationId: number; payload: unknown; size: number }): void
    maybeThrottle(throttleMs: number): void
    scheduleRequestTimeoutCheck(): void
    destroy(): void
  }
}

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net'
  import type { ISocketFactory } from 'kafkajs'
  import type Encoder from 'kafkajs/src/protocol/encoder.js'

  export default class Connection {
    constructor(options: {
      host: string
      port: number
      logger: object
      socketFactory: ISocketFactory
      connectionTimeout: number
      requestTimeout: number
    })
    readonly socket: Socket
    connect(): Promise<true>
    disconnect(): Promise<true>
    send<Decoded extends object, Parsed>(call: {
      request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<Encoder> }
      response: { decode(payload: Buffer): Promise<Decoded>; parse(decoded: Decoded): Promise<Parsed> }
    }): Promise<Parsed>
  }
}

declare module 'kafkajs/src/cluster/index.js' {
  import type { RetryOptions } from 'kafkajs'

  export default class Cluster {
    constructor(options: { logger: object; brokers: () => Promise<string[]>; clientId: string; retry: RetryOptions })
    readonly brokerPool: { withBroker(ask: unknown): Promise<{ coordinator: { nodeId: number } } | null> }
    findBroker(broker: { nodeId: number }): Promise<unknown>
    refreshMetadata(): Promise<void>
    findGroupCoordinator(group: { groupId: string }): Promise<unknown>
  }
}

declare module 'kafkajs/src/network/socketFactory.js' {
  import type { ISocketFactory } from 'kafkajs'

  export default function defaultSocketFactory(): ISocketFactory
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    readonly buffer: Buffer
    size(): number
    writeInt32(value: number): this
    writeBytes(value: Buffer): this
    writeEncoder(value: Encoder): this
    writeEncoderArray(values: Encoder[]): this
  }
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  export default function crc32C(pieces: Buffer[]): number
}
