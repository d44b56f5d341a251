/** The ingestor as a process of its own, on Kafka. */
import { runProcess } from '@lapwing/service/run-process'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { ingestorSchema } from './config.ts'
import { startIngestor } from './start.ts'

await runProcess({
  name: 'ingestor',
  schema: ingestorSchema,
  start: (context) => startIngestor(context, openKafkaLog(context)),
})
