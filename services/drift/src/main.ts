import { runProcess } from '@lapwing/service/run-process'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import { driftSchema } from './config.ts'
import { startDrift } from './start.ts'

await runProcess({
  name: 'drift',
  schema: driftSchema,
  start: (context) =>
    startDrift(
      context,
      createKafkaLog({ brokers: context.config.kafka.brokers, clientId: 'lapwing-drift', logger: context.logger }),
    ),
})
