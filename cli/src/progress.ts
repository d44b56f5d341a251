/**
 * A progress bar with rate and time left on a terminal; elsewhere one line per tenth of the work.
 *
 * Written to standard error, so that standard output stays clean for data.
 */
export interface Progress {
  /** @param done in the unit of `total` */
  update(done: number): void
  end(): void
}

export interface ProgressOptions {
  readonly label: string
  readonly total: number
  readonly stream: { readonly isTTY?: boolean; write(text: string): unknown }
  /** Milliseconds of a monotonic clock. */
  now(): number
}

export function createProgress({ label, total, stream, now }: ProgressOptions): Progress {
  const startMs = now()
  let drawnMs = Number.NEGATIVE_INFINITY
  let tenths = 0
  return {
    update: (done) => {
      const share = total > 0 ? Math.min(1, done / total) : 1
      if (!stream.isTTY) {
        if (Math.floor(share * 10) <= tenths) return
        tenths = Math.floor(share * 10)
        stream.write(`${label} ${tenths * 10} %\n`)
        return
      }
      if (now() - drawnMs < redrawMs && share < 1) return
      drawnMs = now()
      stream.write(`\r\u001b[K${progressLine(label, share, now() - startMs)}`)
    },
    end: () => {
      if (stream.isTTY) stream.write('\r\u001b[K')
    },
  }
}

/** `label  ███████░░░  70 %  3 s left` */
export function progressLine(label: string, share: number, elapsedMs: number): string {
  const filled = Math.round(share * barWidth)
  const left = share > 0.02 && share < 1 ? `  ${Math.ceil((elapsedMs * (1 - share)) / share / 1000)} s left` : ''
  return `${label}  ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}  ${Math.floor(share * 100)} %${left}`
}

const barWidth = 24
const redrawMs = 80
