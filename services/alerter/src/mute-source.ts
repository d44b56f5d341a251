/**
 * The mutes in force: those of the file, read again when it changes, those that people gave on the page, and Alertmanager's silences, asked for
 * from time to time.
 *
 * A file that cannot be used changes nothing: the last good mutes stay in force, and the log and a metric say so. The same holds
 * for silences while Alertmanager does not answer; they end by themselves at their time.
 */
import { statSync } from 'node:fs'
import type { Mute } from '@lapwing/alerting/mute'
import { ConfigError } from '@lapwing/service/config'
import type { Logger } from 'pino'
import { readMutesFile } from './mutes-file.ts'
import { fetchSilences } from './silences.ts'

export interface MuteSource {
  /** Those that people wrote for Lapwing. */
  own(): readonly Mute[]
  /** Those and Alertmanager's silences: for receivers that Alertmanager does not serve. */
  all(): readonly Mute[]
  /** These are the ones that people gave with a button. */
  takeRecorded(mutes: readonly Mute[]): void
  close(): void
}

export interface MuteSourceOptions {
  /** Empty is none. */
  readonly file: string
  /** Of Alertmanager, without a trailing slash; empty is none. */
  readonly alertmanagerUrl: string
  readonly silencesIntervalMs: number
  readonly logger: Logger
  onChange(): void
  /** Alertmanager answered: its silences. */
  onSilences(silences: readonly Mute[]): void
  /** A file or an answer that cannot be used. */
  onRefused(origin: 'file' | 'alertmanager'): void
  nowMs(): number
}

interface MuteParts {
  /** Of the file. */
  readonly written: readonly Mute[]
  readonly recorded: readonly Mute[]
  readonly silences: readonly Mute[]
}

const fileIntervalMs = 2000
/** Calendars are read sixty days ahead. */
const rereadMs = 86_400_000

/** Throws ConfigError: at start there are no last good mutes. */
export function openMuteSource(options: MuteSourceOptions): MuteSource {
  const { file, alertmanagerUrl, nowMs, onChange } = options
  let stamp = stampOf(file)
  let readAtMs = nowMs()
  let parts: MuteParts = { written: file === '' ? [] : readMutesFile(file, readAtMs), recorded: [], silences: [] }
  let own = parts.written
  let all = own
  const change = (mutes: Partial<MuteParts>) => {
    parts = { ...parts, ...mutes }
    own = [...parts.written, ...parts.recorded]
    all = [...own, ...parts.silences]
    onChange()
  }
  const lookAtFile = () => {
    const newStamp = stampOf(file)
    if (newStamp === stamp && nowMs() - readAtMs < rereadMs) return
    stamp = newStamp
    readAtMs = nowMs()
    const read = readAgain(options)
    if (read) change({ written: read })
  }
  const askForSilences = async () => {
    const asked = await fetchSilences(alertmanagerUrl).catch((error: Error) => {
      options.logger.warn({}, `silences stay as they were: ${error.message}`)
      options.onRefused('alertmanager')
    })
    if (!asked) return
    if (JSON.stringify(asked) !== JSON.stringify(parts.silences)) change({ silences: asked })
    options.onSilences(asked)
  }
  const timers = [
    ...(file === '' ? [] : [setInterval(lookAtFile, fileIntervalMs)]),
    ...(alertmanagerUrl === '' ? [] : [setInterval(askForSilences, options.silencesIntervalMs)]),
  ]
  if (alertmanagerUrl !== '') void askForSilences()
  return {
    own: () => own,
    all: () => all,
    takeRecorded: (recorded) => change({ recorded }),
    close: () => {
      for (const timer of timers) clearInterval(timer)
    },
  }
}

function readAgain({ file, logger, onRefused, nowMs }: MuteSourceOptions): readonly Mute[] | undefined {
  try {
    const mutes = readMutesFile(file, nowMs())
    logger.info({ file, mutes: mutes.length }, 'mutes read')
    return mutes
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    logger.error({ file, problems: error.problems }, `mutes stay as they were: ${error.message}`)
    onRefused('file')
    return undefined
  }
}

/** Changes when the file does; empty when there is none. */
function stampOf(file: string): string {
  const stat = file === '' ? undefined : statSync(file, { throwIfNoEntry: false })
  return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : ''
}
