/**
 * How large a measurement must be to be news, worked out from what the series itself usually does, so that it means the same in
 * every series: about as many false alarms a week as are wanted.
 *
 * Of each calibration six numbers are kept: mean and variance of the logarithm of the largest measurement of a day (in the first
 * day: of a quarter of an hour), the largest so far of this block and of this day, the largest of the last weeks (the peak), and the threshold that follows. Where n
 * days have been seen, the peak is about what one day in n exceeds; from there the threshold is extrapolated to the wanted rate
 * with the scale of a Gumbel distribution on the logarithms, which fits both noise and bursts. A young series has seen
 * little, so its threshold is high; it comes down as the series grows older.
 *
 * What was news is learned in part: the same again is hardly news, and the third time none. Fails for what happens less often
 * than the peak lasts: each time it is news again.
 *
 * Source: block maxima, Coles, "An Introduction to Statistical Modeling of Extreme Values", 2001, chapter 3.
 */

/** Columns of a calibration within its series' row. */
export const calibrationFields = { logMean: 0, logVariance: 1, blockMax: 2, dayMax: 3, peak: 4, threshold: 5 } as const
export const calibrationLength = 6

/** How long the series has been watched: blocks of its first day, or whole days, and how often one of them may bring news. */
export interface Experience {
  blocks: number
  wantedRate: number
}

/** Works out anew what is exceeded at the wanted rate, times `margin`. */
export function setThreshold(rows: Float64Array, at: number, { blocks, wantedRate }: Experience, margin: number): void {
  const variance = (rows[at + calibrationFields.logVariance]! * blocks + priorVariance * priorBlocks) / (blocks + priorBlocks)
  const beyondPeak = Math.max(least, -Math.log(blocks * wantedRate))
  const news = rows[at + calibrationFields.peak]! * Math.exp(gumbelScale * Math.sqrt(variance) * beyondPeak)
  rows[at + calibrationFields.threshold] = news * margin
}

/** Takes a measurement, at least 0, into the block. */
export function measure(rows: Float64Array, at: number, measurement: number): void {
  if (measurement > rows[at + calibrationFields.blockMax]!) rows[at + calibrationFields.blockMax] = measurement
}

/** Ends a block and returns the largest of it; what is smaller than `floor` is taken for that, as a series that stands still has no logarithm. */
export function endBlock(rows: Float64Array, at: number, floor: number): number {
  const largest = Math.max(floor, rows[at + calibrationFields.blockMax]!)
  rows[at + calibrationFields.blockMax] = 0
  rows[at + calibrationFields.dayMax] = Math.max(largest, rows[at + calibrationFields.dayMax]!)
  return largest
}

/** Ends a day and returns the largest of it. */
export function endDay(rows: Float64Array, at: number): number {
  const largest = rows[at + calibrationFields.dayMax]!
  rows[at + calibrationFields.dayMax] = 0
  return largest
}

/** The peak fades by `fade` and takes in what was larger; `experienced` is how many blocks or days came before. */
export function learnPeak(rows: Float64Array, at: number, largest: number, fade: number, experienced: number): void {
  const peak = rows[at + calibrationFields.peak]! * fade
  const learned = experienced < 2 ? 1 : newsLearned
  rows[at + calibrationFields.peak] = largest > peak ? peak + learned * (largest - peak) : peak
}

/** Takes the largest of the n-th block or day, after `experienced` others, into what is usual. */
export function learnUsual(rows: Float64Array, at: number, largest: number, experienced: number): void {
  takeLogarithm(rows, at, largest, Math.max(1 / (experienced + 1), 1 / rememberedDays))
}

/** The weighted mean and variance of West (1979); with a weight of 1 they begin anew. */
function takeLogarithm(rows: Float64Array, at: number, largest: number, weight: number): void {
  const off = Math.log(largest) - rows[at + calibrationFields.logMean]!
  rows[at + calibrationFields.logMean]! += weight * off
  rows[at + calibrationFields.logVariance] = (1 - weight) * (rows[at + calibrationFields.logVariance]! + weight * off * off)
}

/** Standard deviation of a Gumbel distribution to its scale. */
const gumbelScale = Math.sqrt(6) / Math.PI
const priorVariance = 0.3 ** 2
const priorBlocks = 4
const least = 0.5
export const rememberedDays = 21
const newsLearned = 0.9
