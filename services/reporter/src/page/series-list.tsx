/** The series, the most anomalous first, with a search box. Arrow keys walk the list, `/` goes to the search. */
import { useEffect, useRef } from 'preact/hooks'
import type { LabelPair, SeriesRow } from '../api-model.ts'
import { formatValue, unitOf } from './format.ts'
import { type Change, distinguishingLabels, evaluated, longestSearch, type PageState } from './model.ts'
import { Sparkline } from './sparkline.tsx'
import { StateBadge } from './state-badge.tsx'

interface SeriesListProperties {
  state: PageState
  nowMs: number
  change: Change
  onSelect: (key: string) => void
}

export function SeriesList({ state, nowMs, change, onSelect }: SeriesListProperties) {
  const { list, search, stateFilter, selectedKey } = state
  const rows = list?.series ?? []
  const telling = distinguishingLabels(rows)
  const clear = () => change((now) => ({ ...now, search: '', stateFilter: undefined }))
  return (
    <section class="list" aria-label="Series">
      <Search text={search} problem={state.searchProblem} onSearch={(text) => change((now) => ({ ...now, search: text }))} />
      <ul onKeyDown={walk}>
        {rows.map((row) => (
          <li key={row.key}>
            <Row row={row} telling={telling} nowMs={nowMs} selected={row.key === selectedKey} onSelect={onSelect} />
          </li>
        ))}
      </ul>
      {list && rows.length === 0 && (
        <p class="none">
          No series matches{search ? ` “${search}”` : ''}
          {stateFilter ? ` in state ${stateFilter}` : ''}.{' '}
          <button type="button" onClick={clear}>
            Show all {list.total}
          </button>
          {search && <Evaluate promql={search} change={change} />}
        </p>
      )}
      {list && list.matching > rows.length && (
        <p class="none">
          {rows.length} of {list.matching} series; search to narrow them down.
        </p>
      )}
    </section>
  )
}

/** What was typed may have been meant for Prometheus. */
function Evaluate({ promql, change }: { promql: string; change: Change }) {
  return (
    <button type="button" onClick={() => change((now) => evaluated({ ...now, view: 'explore', promql }))}>
      Evaluate it as PromQL
    </button>
  )
}

function Search({ text, problem, onSearch }: { text: string; problem: string; onSearch: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const focusOnSlash = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.target instanceof HTMLInputElement) return
      event.preventDefault()
      input.current?.focus()
    }
    addEventListener('keydown', focusOnSlash)
    return () => removeEventListener('keydown', focusOnSlash)
  }, [])
  return (
    <div class="search">
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <circle cx="7" cy="7" r="4.5" />
        <path d="m10.5 10.5 4 4" />
      </svg>
      <input
        ref={input}
        type="search"
        value={text}
        placeholder='Words, or up{job="shop"}'
        aria-label="Search series: words, or a PromQL selector"
        aria-describedby="search-problem"
        aria-invalid={problem !== ''}
        aria-keyshortcuts="/"
        maxLength={longestSearch}
        spellcheck={false}
        onInput={(event) => onSearch(event.currentTarget.value)}
      />
      <kbd>/</kbd>
      <p id="search-problem" class="notice" role="status">
        {problem}
      </p>
    </div>
  )
}

interface RowProperties {
  row: SeriesRow
  telling: ReadonlySet<string>
  nowMs: number
  selected: boolean
  onSelect: (key: string) => void
}

function Row({ row, telling, nowMs, selected, onSelect }: RowProperties) {
  const unit = unitOf(row.metric)
  return (
    <button type="button" class="row" aria-current={selected} title={row.text} onClick={() => onSelect(row.key)}>
      <span class="name">{row.metric || row.text}</span>
      <span class="labels">
        <Labels labels={row.labels} telling={telling} />
      </span>
      <StateBadge series={row} nowMs={nowMs} />
      <Sparkline values={row.recent} anomalous={row.state === 'anomalous' && !row.hasEnded} />
      <span class="value">{formatValue(row.value, unit)}</span>
      <span class="expected">
        {row.confidence > 0 && (
          <>
            <span class="hidden">expected </span>
            <span aria-hidden="true">≈ </span>
            {formatValue(row.expected, unit)}
          </>
        )}
      </span>
    </button>
  )
}

/** Those that tell the series from the others; all when that would be none. */
function Labels({ labels, telling }: { labels: readonly LabelPair[]; telling: ReadonlySet<string> }) {
  const own = labels.filter(([name]) => name !== '__name__')
  const shown = own.filter(([name]) => telling.has(name))
  return <>{(shown.length > 0 ? shown : own).map(([, value]) => value).join(' · ')}</>
}

function walk(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (!step) return
  const buttons = [...event.currentTarget.querySelectorAll('button')]
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
  buttons[Math.min(buttons.length - 1, Math.max(0, at + step))]?.focus()
  event.preventDefault()
}
