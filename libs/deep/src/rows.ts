/** Observations of several channels at equal steps, row by row: the shape that batch models train on and score. */
export interface Rows {
  readonly channels: number
  readonly count: number
  /** `count` x `channels`, in the unit of each channel; NaN where nothing was observed. */
  readonly values: Float64Array
}
