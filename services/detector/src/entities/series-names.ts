/**
 * Names of series by their keys: a name takes longer to put together than to find. Only a memory of what can be put together again, so it may be
 * dropped; where pods come and go each of them is a series of its own, and so it must be.
 */
import { type LabelSet, seriesText } from '@lapwing/contracts/series'

/** Of the series of a partition that belong to entities with models; they take about 5 MB. */
export const mostNames = 20_000

export class SeriesNames {
  readonly #names = new Map<string, string>()

  get size(): number {
    return this.#names.size
  }

  /** @param readLabels asked when the name is not remembered */
  nameOf(key: string, readLabels: () => LabelSet): string {
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const name = seriesText(readLabels())
    if (this.#names.size >= mostNames) this.#names.clear()
    this.#names.set(key, name)
    return name
  }
}
