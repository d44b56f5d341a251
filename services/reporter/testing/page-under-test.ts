/** A browser for the tests of a file, and a reporter for each of them; after each nobody may have complained on a console. */
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type PageBrowser, startBrowser } from './page-browser.ts'
import { type RunningReporter, runReporter } from './running-reporter.ts'

export interface PageUnderTest {
  /** The one that this test has started. */
  reporter(): RunningReporter
  start(...how: Parameters<typeof runReporter>): Promise<RunningReporter>
  open(path?: string, options?: BrowserContextOptions): Promise<Page>
  /** What the consoles said so far, without the lines that contain the text; they are forgotten. */
  complaintsBut(text: string): string[]
}

/** To be called where the tests are described. */
export function pageUnderTest(): PageUnderTest {
  let browser: PageBrowser
  let reporter: RunningReporter | undefined
  const running = () => {
    if (!reporter) throw new Error('no reporter was started')
    return reporter
  }
  beforeAll(async () => {
    browser = await startBrowser()
  })
  afterAll(() => browser?.close())
  afterEach(async () => {
    await browser.closePages()
    await reporter?.close()
    reporter = undefined
    expect(browser.complaints.splice(0)).toEqual([])
  })
  return {
    reporter: running,
    start: async (...how) => {
      reporter = await runReporter(...how)
      return reporter
    },
    open: (path = '/', options = {}) => browser.open(running().url + path, options),
    complaintsBut: (text) => browser.complaints.splice(0).filter((line) => !line.includes(text)),
  }
}
