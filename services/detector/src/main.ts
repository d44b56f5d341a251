/** The detector as a process of its own, on Kafka. */
import { runProcess } from '@lapwing/service/run-process'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { detectorSchema, watchedQueries } from './config.ts'
import { startDetector } from './start.ts'

await runProcess({
  name: 'detector',
  schema: detectorSchema,
  others: { ingestor: watchedQueries },
  start: (context) => startDetector(context, openKafkaLog(context)),
})
