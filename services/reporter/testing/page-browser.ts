/** Pages in a real browser, with everything that they complain of. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const executablePath = '/usr/bin/chromium'
/** Whether Debian's Chromium is installed. */
export const hasBrowser = existsSync(executablePath)

const quietly = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface PageBrowser {
  /** Whatever the consoles of the pages said, and errors that nothing caught. */
  readonly complaints: string[]
  open(url: string, options?: BrowserContextOptions): Promise<Page>
  closePages(): Promise<void>
  close(): Promise<void>
}

export async function startBrowser(): Promise<PageBrowser> {
  const browser: Browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', ...quietly] })
  const complaints: string[] = []
  return {
    complaints,
    open: async (url, options = {}) => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options })
      page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
      page.on('pageerror', (error) => complaints.push(error.message))
      await page.goto(url)
      return page
    },
    closePages: async () => {
      for (const context of browser.contexts()) await context.close()
    },
    close: () => browser.close(),
  }
}

/** Into the folder that LAPWING_SCREENSHOTS names, if any. */
export async function takeScreenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.LAPWING_SCREENSHOTS
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

/** What axe-core finds against WCAG 2.1 A and AA, a line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const rules = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }
  const { violations } = await page.evaluate<{ violations: axe.Result[] }>(`axe.run(document, ${JSON.stringify(rules)})`)
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 5).map(({ html, failureSummary }) => `${id}: ${help}: ${html} ${failureSummary}`),
  )
}
