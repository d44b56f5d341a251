/** The reporter as a process of its own, on Kafka. */
import { runProcess } from '@lapwing/service/run-process'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { reporterSchema } from './config.ts'
import { exploredDetector, exploredIngestor } from './explore/explore-settings.ts'
import { watchedRoutes } from './reports/report-settings.ts'
import { startReporter } from './start.ts'

await runProcess({
  name: 'reporter',
  schema: reporterSchema,
  others: { alerter: watchedRoutes, ingestor: exploredIngestor, detector: exploredDetector },
  start: (context) => startReporter(context, openKafkaLog(context)),
})
