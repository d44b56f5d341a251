import { runProcess } from '@lapwing/service/run-process'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import { ingestorSchema } from './config.ts'
import { startIngestor } from './start.ts'

await runProcess({
  name: 'ingestor',
  schema: ingestorSchema,
  start: (context) =>
    startIngestor(
      context,
      createKafkaLog({ brokers: context.config.kafka.brokers, clientId: 'lapwing-ingestor', logger: context.logger }),
    ),
})
