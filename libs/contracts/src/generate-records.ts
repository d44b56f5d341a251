/** Writes `records.ts` from the schemas: `pnpm --filter @lapwing/contracts generate`. A test fails while the two differ. */
import { writeFileSync } from 'node:fs'
import { recordsSource } from './records-source.ts'

writeFileSync(new URL('./records.ts', import.meta.url), recordsSource())
