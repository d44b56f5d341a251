import { runProcess } from '@lapwing/service/run-process'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import { detectorSchema } from './config.ts'
import { startDetector } from './start.ts'

await runProcess({
  name: 'detector',
  schema: detectorSchema,
  start: (context) =>
    startDetector(
      context,
      createKafkaLog({ brokers: context.config.kafka.brokers, clientId: 'lapwing-detector', logger: context.logger }),
    ),
})
