import { describe, expect, test } from 'vitest'
import { createProgress, progressLine } from './progress.ts'

function written(isTTY: boolean, shares: readonly number[]): string[] {
  const lines: string[] = []
  let nowMs = 0
  const progress = createProgress({
    label: 'work',
    total: 100,
    stream: { isTTY, write: (text: string) => lines.push(text) },
    now: () => nowMs,
  })
  for (const share of shares) {
    nowMs += 1000
    progress.update(share)
  }
  progress.end()
  return lines
}

describe('progress', () => {
  test('a bar with the share done and the time left', () => {
    expect(progressLine('work', 0.5, 10_000)).toBe(`work  ${'█'.repeat(12)}${'░'.repeat(12)}  50 %  10 s left`)
    expect(progressLine('work', 1, 10_000)).toBe(`work  ${'█'.repeat(24)}  100 %`)
  })

  test('elsewhere than on a terminal one line per tenth', () => {
    expect(written(false, [1, 5, 12, 15, 34, 100])).toEqual(['work 10 %\n', 'work 30 %\n', 'work 100 %\n'])
  })

  test('a terminal is left clean', () => {
    expect(written(true, [50]).at(-1)).toBe('\r\u001b[K')
  })
})
