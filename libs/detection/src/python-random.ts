/**
 * A seeded generator of uniform numbers in [0, 1): the same numbers as `random.Random(seed).random()` of Python, on every machine.
 *
 * For models that have to draw what a model of a Python library draws, so that the two can be compared number by number;
 * everything else takes `random.ts`, which is quicker to seed and has 16 bytes of state instead of 2,500.
 *
 * Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 1998 (MT19937, `init_by_array`, 53-bit resolution); the words
 * of an integer seed as in CPython.
 *
 * Throws a RangeError when the seed is not a safe integer.
 */
export function createPythonRandom(seed: number): () => number {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed ${seed}, expected a whole number`)
  const state = seededState(wordsOf(Math.abs(seed)))
  let used = stateWords
  const nextWord = () => {
    if (used === stateWords) {
      twist(state)
      used = 0
    }
    return tempered(state[used++]!)
  }
  return () => {
    const high = nextWord() >>> 5
    const low = nextWord() >>> 6
    return (high * 2 ** 26 + low) / 2 ** 53
  }
}

const stateWords = 624
const middleWord = 397

/** Lowest 32 bits first; at least one word. */
function wordsOf(seed: number): number[] {
  const high = Math.floor(seed / 2 ** 32)
  return high === 0 ? [seed] : [seed >>> 0, high]
}

function seededState(key: readonly number[]): Uint32Array {
  const state = new Uint32Array(stateWords)
  state[0] = 19650218
  for (let i = 1; i < stateWords; i++) state[i] = Math.imul(1812433253, mixed(state[i - 1]!)) + i
  let i = 1
  const step = () => {
    if (++i < stateWords) return
    state[0] = state[stateWords - 1]!
    i = 1
  }
  for (let k = 0, j = 0; k < stateWords; k++, j = (j + 1) % key.length) {
    state[i] = (state[i]! ^ Math.imul(mixed(state[i - 1]!), 1664525)) + key[j]! + j
    step()
  }
  for (let k = 1; k < stateWords; k++) {
    state[i] = (state[i]! ^ Math.imul(mixed(state[i - 1]!), 1566083941)) - i
    step()
  }
  state[0] = 0x80000000
  return state
}

function mixed(word: number): number {
  return word ^ (word >>> 30)
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < stateWords; i++) {
    const joined = (state[i]! & 0x80000000) | (state[(i + 1) % stateWords]! & 0x7fffffff)
    state[i] = state[(i + middleWord) % stateWords]! ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0)
  }
}

function tempered(word: number): number {
  let mixing = word ^ (word >>> 11)
  mixing ^= (mixing << 7) & 0x9d2c5680
  mixing ^= (mixing << 15) & 0xefc60000
  return (mixing ^ (mixing >>> 18)) >>> 0
}
