/** The reporter as a process of its own, on Kafka. */
import { runProcess } from '@lapwing/service/run-process'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { reporterSchema } from './config.ts'
import { startReporter } from './start.ts'

await runProcess({
  name: 'reporter',
  schema: reporterSchema,
  start: (context) => startReporter(context, openKafkaLog(context)),
})
