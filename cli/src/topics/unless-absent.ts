/** A topic that is not on the brokers is an answer here, not a failure: services create theirs when they start. */
import { LogError } from '@lapwing/stream/errors'

/** What the log answers about a topic; undefined when the topic is absent. Rejects as the log does otherwise. */
export async function unlessAbsent<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof LogError && error.code === 'unknown_topic') return undefined
    throw error
  }
}
