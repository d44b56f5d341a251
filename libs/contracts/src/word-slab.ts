/**
 * Short runs of 32-bit numbers, many of them in one array: what is read in the order in which it was made then lies in that order, and costs
 * no look at an object of its own. With ten thousand series, most of the time of a look-up is waiting for memory.
 *
 * An array stays as long as one of its runs is used, so arrays are small.
 */
export interface WordRun {
  /** Shared with other runs. */
  readonly words: Int32Array
  /** Where it begins. */
  readonly at: number
}

/** Two kilobytes. */
const wordsPerArray = 512

/** Gives out runs of zeros; a long one has an array of its own. */
export function createWordSlab(): (count: number) => WordRun {
  let words = new Int32Array(0)
  let used = 0
  return (count) => {
    if (count > wordsPerArray / 8) return { words: new Int32Array(count), at: 0 }
    if (used + count > words.length) {
      words = new Int32Array(wordsPerArray)
      used = 0
    }
    used += count
    return { words, at: used - count }
  }
}
