/** The ingestor as `services/ingestor/src/main.ts` composes it, on a log that fails as LAPWING_TEST_FAULT says. */
import { ingestorSchema } from '@lapwing/ingestor/config'
import { startIngestor } from '@lapwing/ingestor/start'
import { runProcess } from '@lapwing/service/run-process'
import { openKafkaLog } from '@lapwing/stream/service-log'
import { faultyLog, parseFault } from './faulty-logs.ts'

const plan = parseFault(process.env.LAPWING_TEST_FAULT ?? '')

await runProcess({
  name: 'ingestor',
  schema: ingestorSchema,
  start: (context) => startIngestor(context, faultyLog(openKafkaLog(context), plan)),
})
