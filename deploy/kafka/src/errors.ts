/** Why there is no Kafka: one table, with what to do about it in each message. */

export const kafkaServerErrors = {
  no_java: { retryable: false, message: 'Java 17 or newer was not found; install it, or set JAVA_HOME' },
  download_failed: {
    retryable: true,
    message: "Kafka's jars cannot be downloaded; set MAVEN_REPOSITORY to a mirror of Maven Central",
  },
  wrong_checksum: { retryable: false, message: 'a downloaded jar is not the one that was pinned; check MAVEN_REPOSITORY' },
  not_started: { retryable: false, message: 'Kafka did not start' },
  no_kafka: {
    retryable: false,
    message: 'Kafka is wanted and none is to be had; set KAFKA_BROKERS, start Docker, or install Java 17',
  },
} as const

export type KafkaServerErrorCode = keyof typeof kafkaServerErrors

export class KafkaServerError extends Error {
  readonly code: KafkaServerErrorCode
  readonly retryable: boolean

  constructor(code: KafkaServerErrorCode, detail: string, cause?: unknown) {
    super(`${kafkaServerErrors[code].message}: ${detail}`, { cause })
    this.name = 'KafkaServerError'
    this.code = code
    this.retryable = kafkaServerErrors[code].retryable
  }
}
