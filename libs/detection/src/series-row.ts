/** Columns of a series' row of numbers, in slabs of many series. A new column is a new layout of snapshots. */
import { calibrationLength } from './calibration.ts'

export const field = {
  samples: 0,
  lastMs: 1,
  previous: 2,
  /** Usual time between samples. */
  intervalMs: 3,
  gapShare: 4,
  /** The row of five minutes that novelty gets next: its begin, sum and count. */
  rowStartMs: 5,
  rowSum: 6,
  rowCount: 7,
  /** Level of the last window beside the season. */
  localLevel: 8,
  /** Level of the last days beside the season. */
  slowLevel: 9,
  /** Means of what season and slow level leave over, of a quarter of an hour and of some hours. */
  quickResidual: 10,
  slowResidual: 11,
  /** Means of the change from sample to sample, of a third of an hour and of a day. */
  quickChange: 12,
  usualChange: 13,
  flatSinceMs: 14,
  /** Longest times without change, and without a sample, of the last weeks. */
  usualFlatMs: 15,
  usualGapMs: 16,
  /** Resets of a counter, fading within half an hour, and how many were usual at most. */
  resets: 17,
  usualResets: 18,
  /** Last reading of a counter. */
  reading: 19,
  blockStartMs: 20,
  blockSamples: 21,
  /** Blocks of the first day, then days. */
  blocks: 22,
  /** The quarter of an hour being averaged for the season. */
  quarter: 23,
  quarterSum: 24,
  quarterCount: 25,
  /** When learning was first held back, 0 while it is not. */
  heldSinceMs: 26,
  /** When the level was first found to be another one, 0 while it is not. */
  shiftedSinceMs: 27,
  usualIsolation: 28,
  rareIsolation: 29,
  /** Season at the last sample, and 1 when it was known. */
  lastSeason: 30,
  wasSeasonKnown: 31,
  /** Begin of the day that is being calibrated, and how many there were. */
  dayStartMs: 42,
  days: 43,
  /** Share of samples that differ from the one before. */
  movingShare: 44,
  /** Usual change at this hour of the day. */
  hourChange: 45,
  /** Mean of what is off while learning is held back: taken over when it turns out to be the new normal. */
  heldResidual: 46,
  /** Mean distance from season and slow level. */
  usualResidual: 47,
  /** Share of the last week's time inside of episodes. */
  episodeShare: 48,
  /** Ten columns, of which an episode uses nine. */
  episode: 32,
  /** 1 once a value was below zero. The tenth of the columns before: a column more would be a new layout. */
  wasNegative: 41,
  calibrations: 49,
} as const

/** Measurements that are calibrated per series, each in a direction of its own: what goes up may be bursty where what goes down is not. */
export const channels = [
  'spikeUp',
  'spikeDown',
  'levelUp',
  'levelDown',
  'trendUp',
  'trendDown',
  'volatility',
  'missedEvent',
] as const
export type Channel = (typeof channels)[number]

/** The channels that measure every sample come first; the last one measures when a quarter of an hour ends. */
export const sampleChannels = 7

export const channelNumber = Object.fromEntries(channels.map((channel, i) => [channel, i])) as Record<Channel, number>

export function calibrationOf(channel: number): number {
  return field.calibrations + channel * calibrationLength
}

/** What season and slow level left over of the three quarters of an hour before the one being averaged, newest first. */
export const quarterErrors = field.calibrations + channels.length * calibrationLength

/** Mean of those that are older. */
export const olderErrors = quarterErrors + 3
/** When a missed event was told last. */
export const eventToldMs = quarterErrors + 4

export const rowLength = quarterErrors + 5

/** Of snapshots of version 2: the same columns, up to the calibration of volatility. */
export const rowLengthVersion2 = field.calibrations + sampleChannels * calibrationLength

/** Before them nothing is said of a series. */
export const warmUpSamples = 200
