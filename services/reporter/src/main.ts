/** The reporter as its own process. */
import { runProcess } from '@lapwing/service/run-process'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import { reporterSchema } from './config.ts'
import { startReporter } from './start.ts'

await runProcess({
  name: 'reporter',
  schema: reporterSchema,
  start: (context) => {
    const log = createKafkaLog({ brokers: context.config.kafka.brokers, clientId: 'lapwing-reporter', logger: context.logger })
    context.onClose('log', () => log.close())
    return startReporter(context, log)
  },
})
