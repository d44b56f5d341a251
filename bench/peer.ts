import type { Figure } from './figure.ts'

/** What `run` resolves to; undefined, with a line on standard error that says why, when the peer does not run here. */
export async function withPeer<Answer>(name: string, run: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await run()
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    process.stderr.write(`SKIPPED: ${name} was not measured beside ours: ${reason}\n`)
    return undefined
  }
}

/** A figure beside that of a peer of the same unit; more is better. */
export function besides(figure: Figure, peer: string, peerValue: number | undefined): Figure {
  if (peerValue === undefined) return figure
  return { ...figure, peer, peerValue: Math.round(peerValue), ratio: Number((figure.value / peerValue).toPrecision(3)) }
}
