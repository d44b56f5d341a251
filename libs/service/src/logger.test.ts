import { expect, test } from 'vitest'
import { createLogger, problemsLogged } from './logger.ts'

test('lines that tell of a problem are counted, those of children too, and those below the level are not', () => {
  const lines: string[] = []
  const logger = createLogger({ name: 'test', level: 'error', output: { write: (line) => void lines.push(line) } })
  logger.info('fine')
  logger.warn('hm')
  logger.error('no')
  logger.child({ component: 'part' }).error({ err: new Error('x') }, 'no')
  logger.fatal('end')
  expect(problemsLogged(logger)).toEqual({ warn: 0, error: 2, fatal: 1 })
  expect(lines).toHaveLength(3)
})
