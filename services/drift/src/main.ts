/** The drift as a process of its own, on Kafka. */
import { runProcess } from '@lapwing/service/run-process'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { driftSchema } from './config.ts'
import { startDrift } from './start.ts'

await runProcess({
  name: 'drift',
  schema: driftSchema,
  start: (context) => startDrift(context, openKafkaLog(context)),
})
