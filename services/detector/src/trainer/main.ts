/** The trainer role of the detector as a process of its own, on Kafka. */
import { runProcess } from '@lapwing/service/run-process'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { trainerSchema } from './config.ts'
import { startTrainer } from './start.ts'

await runProcess({
  name: 'trainer',
  schema: trainerSchema,
  start: (context) => startTrainer(context, openKafkaLog(context)),
})
