import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { dashboards } from './dashboards.ts'

const committed = fileURLToPath(new URL('../../../../deploy/grafana/dashboards/', import.meta.url))

interface Panel {
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly w: number }
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } }
  readonly targets: readonly { readonly datasource: { readonly uid: string } }[]
}

describe.each([...dashboards()])('dashboard %s', (name, dashboard) => {
  const panels = dashboard.panels as readonly Panel[]

  // After a change: vitest run --project unit libs/grafana -u
  test('is committed as it is built', async () => {
    await expect(`${JSON.stringify(dashboard, null, 2)}\n`).toMatchFileSnapshot(`${committed}${name}.json`)
  })

  test('every panel says what it means and in which unit, asks the chosen data source, and has its place', () => {
    for (const { title, description, gridPos, fieldConfig, targets } of panels) {
      expect(description, title).toMatch(/\.$/)
      expect(fieldConfig.defaults.unit, title).toBeTruthy()
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (const { datasource } of targets) expect(datasource.uid, title).toMatch(/^\$\{datasource\}$/)
    }
    expect(panels.length).toBeGreaterThan(3)
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
  })
})

test('each has an identity of its own, and no file is committed without its source', () => {
  const all = dashboards()
  expect(new Set([...all.values()].map(({ uid }) => uid)).size).toBe(all.size)
  expect(readdirSync(committed).toSorted()).toEqual([...all.keys()].map((name) => `${name}.json`).toSorted())
})
