/** The pods role of the ingestor as a process of its own, on Kafka. */
import { runProcess } from '@lapwing/service/run-process'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { podsSchema } from './config.ts'
import { startPods } from './start.ts'

await runProcess({
  name: 'pods',
  schema: podsSchema,
  start: (context) => startPods(context, openKafkaLog(context)),
})
