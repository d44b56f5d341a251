/** The alerter as a process of its own, on Kafka. */
import { runProcess } from '@lapwing/service/run-process'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { alerterSchema } from './config.ts'
import { startAlerter } from './start.ts'

await runProcess({
  name: 'alerter',
  schema: alerterSchema,
  start: (context) => startAlerter(context, openKafkaLog(context)),
})
