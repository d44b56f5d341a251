/** The detector as `services/detector/src/main.ts` composes it, on a log that fails as LAPWING_TEST_FAULT says. */
import { detectorSchema, watchedQueries } from '@lapwing/detector/config'
import { startDetector } from '@lapwing/detector/start'
import { runProcess } from '@lapwing/service/run-process'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { faultyLog, parseFault } from './faulty-logs.ts'

const plan = parseFault(process.env.LAPWING_TEST_FAULT ?? '')

await runProcess({
  name: 'detector',
  schema: detectorSchema,
  others: { ingestor: watchedQueries },
  start: (context) => startDetector(context, faultyLog(openKafkaLog(context), plan)),
})
