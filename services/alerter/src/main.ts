import { runProcess } from '@lapwing/service/run-process'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import { alerterSchema } from './config.ts'
import { startAlerter } from './start.ts'

await runProcess({
  name: 'alerter',
  schema: alerterSchema,
  start: (context) =>
    startAlerter(
      context,
      createKafkaLog({ brokers: context.config.kafka.brokers, clientId: 'lapwing-alerter', logger: context.logger }),
    ),
})
