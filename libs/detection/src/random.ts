/**
 * A seeded generator of uniform numbers in [0, 1): the same seed gives the same numbers on every machine.
 *
 * For shapes of trees and the like, never for secrets. Source: sfc32 of PractRand (Doty-Humphrey), seeded from one number
 * by splitmix32 so that neighbouring seeds do not give neighbouring streams.
 */
export function createRandom(seed: number): () => number {
  let mixed = seed | 0
  const next = () => {
    mixed = (mixed + 0x9e3779b9) | 0
    let z = mixed ^ (mixed >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return z ^ (z >>> 15)
  }
  let a = next()
  let b = next()
  let c = next()
  let counter = 1
  return () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 4294967296
  }
}
