/**
 * What a scrape becomes: samples of the series of one target, and markers for those that were there before and are not now.
 *
 * Counters become rates, over the time between two scrapes; the first scrape of a counter gives none. A counter that is smaller than
 * before has begun again at 0, so what it shows is its increase. Such a series is called after its counter: `http_requests:rate`.
 *
 * Each target has series of its own about the scrape, as Prometheus makes them: `up`, `scrape_duration_seconds` and
 * `scrape_samples_scraped`. When it does not answer, `up` is 0 and all other series are marked stale.
 *
 * The memory of a target is not kept over a restart: counters then begin anew, which costs one interval and invents nothing.
 */
import { type LabelSet, sortedLabels } from '@lapwing/contracts/series'
import { sampleFlags } from '@lapwing/contracts/series-state'
import { type ExposedSample, type ExpositionFormat, parseExposition, seriesLabels } from '@lapwing/prometheus/exposition'
import { type Intake, type IntakeRules, type LeftOutReason, takeIn } from '@lapwing/prometheus/series-intake'
import { identify, type SeriesSamples } from '@lapwing/prometheus/series-samples'

export interface ScrapedPage {
  readonly text: string
  readonly format: ExpositionFormat
}

export interface ScrapeOutcome {
  readonly series: readonly SeriesSamples[]
  /** Samples without the markers. */
  readonly samples: number
  readonly nonFinite: number
  /** Samples of series that are left out, by reason. */
  readonly left: Readonly<Record<LeftOutReason, number>>
}

interface KnownSeries {
  readonly intake: Intake
  readonly isCounter: boolean
  /** Number of the scrape that saw it last. */
  seen: number
  /** Time of the newest sample on the log; undefined before the first. */
  writtenMs: number | undefined
  counted: { value: number; timestampMs: number } | undefined
}

export interface TargetMemory {
  readonly known: Map<string, KnownSeries>
  scrapes: number
}

export interface TargetNaming {
  readonly labels: Readonly<Record<string, string>>
  readonly rules: IntakeRules
}

export function createTargetMemory(): TargetMemory {
  return { known: new Map(), scrapes: 0 }
}

/** Takes a page into the memory. Throws ExpositionError, after which `missScrape` tells the truth. */
export function takeScrape(
  memory: TargetMemory,
  page: ScrapedPage,
  atMs: number,
  durationMs: number,
  naming: TargetNaming,
): ScrapeOutcome {
  const exposed: ExposedSample[] = []
  parseExposition(page.text, page.format, (sample) => exposed.push(sample))
  memory.scrapes++
  const counts = { samples: 0, nonFinite: 0 }
  const left = { relabelled: 0, label_limit: 0, invalid: 0 }
  const series: SeriesSamples[] = []
  for (const sample of exposed) {
    const known = recall(memory, sample, naming)
    known.seen = memory.scrapes
    if (known.intake.reason !== undefined) left[known.intake.reason]++
    else if (!Number.isFinite(sample.value)) counts.nonFinite++
    else {
      const written = sampleOf(known, known.intake.identity, sample.value, sample.timestampMs ?? atMs)
      if (written) series.push(written)
    }
  }
  counts.samples = series.length
  series.push(...markersOf(memory, atMs), ...aboutScrape({ up: 1, durationMs, scraped: exposed.length }, atMs, naming))
  return { series, ...counts, left }
}

/** The target did not answer, or not in a way that can be read. */
export function missScrape(
  memory: TargetMemory,
  atMs: number,
  durationMs: number,
  naming: TargetNaming,
): readonly SeriesSamples[] {
  memory.scrapes++
  return [...markersOf(memory, atMs), ...aboutScrape({ up: 0, durationMs, scraped: 0 }, atMs, naming)]
}

/** The target is gone: its series end, those about the scrape too. */
export function endTarget(memory: TargetMemory, atMs: number, naming: TargetNaming): readonly SeriesSamples[] {
  memory.scrapes++
  const about = aboutScrape({ up: 0, durationMs: 0, scraped: 0 }, atMs, naming)
  return [...markersOf(memory, atMs), ...about.map(({ series }) => markerOf(series, atMs))]
}

function recall(memory: TargetMemory, { series: text, isCounter }: ExposedSample, naming: TargetNaming): KnownSeries {
  const known = memory.known.get(text)
  if (known && known.isCounter === isCounter) return known
  const labels = labelled(seriesLabels(text), naming.labels, isCounter)
  const intake = takeIn(labels, naming.rules)
  const fresh = { intake, isCounter, seen: 0, writtenMs: undefined, counted: undefined }
  memory.known.set(text, fresh)
  return fresh
}

/** The page's labels and the target's; where both have a name the page's becomes `exported_…`, as in Prometheus. */
function labelled(own: LabelSet, target: Readonly<Record<string, string>>, isCounter: boolean): LabelSet {
  const pairs = own.map(({ name, value }): [string, string] => {
    if (name === '__name__') return [name, isCounter ? `${value.replace(/_total$/, '')}:rate` : value]
    return [Object.hasOwn(target, name) ? `exported_${name}` : name, value]
  })
  return sortedLabels([...pairs, ...Object.entries(target)])
}

/** undefined for a counter without a rate yet, and for what is not newer than what was written. */
function sampleOf(
  known: KnownSeries,
  series: SeriesSamples['series'],
  value: number,
  timestampMs: number,
): SeriesSamples | undefined {
  const before = known.counted
  if (timestampMs <= (known.writtenMs ?? before?.timestampMs ?? Number.NEGATIVE_INFINITY)) return undefined
  if (!known.isCounter) {
    known.writtenMs = timestampMs
    return { series, timestampsMs: [timestampMs], values: [value], flags: [0] }
  }
  known.counted = { value, timestampMs }
  if (!before) return undefined
  known.writtenMs = timestampMs
  const increase = value < before.value ? value : value - before.value
  return { series, timestampsMs: [timestampMs], values: [(increase * 1000) / (timestampMs - before.timestampMs)], flags: [0] }
}

function markersOf(memory: TargetMemory, atMs: number): SeriesSamples[] {
  const markers: SeriesSamples[] = []
  for (const [text, known] of memory.known) {
    if (known.seen === memory.scrapes) continue
    memory.known.delete(text)
    const { identity } = known.intake
    if (identity && known.writtenMs !== undefined && known.writtenMs < atMs) markers.push(markerOf(identity, atMs))
  }
  return markers
}

function markerOf(series: SeriesSamples['series'], atMs: number): SeriesSamples {
  return { series, timestampsMs: [atMs], values: [0], flags: [sampleFlags.stale] }
}

function aboutScrape(
  { up, durationMs, scraped }: { readonly up: number; readonly durationMs: number; readonly scraped: number },
  atMs: number,
  { labels, rules }: TargetNaming,
): SeriesSamples[] {
  const about = { up, scrape_duration_seconds: durationMs / 1000, scrape_samples_scraped: scraped }
  return Object.entries(about).map(([name, value]) => ({
    series: identify(sortedLabels([['__name__', name], ...Object.entries(labels)]), rules.entityBy),
    timestampsMs: [atMs],
    values: [value],
    flags: [0],
  }))
}
