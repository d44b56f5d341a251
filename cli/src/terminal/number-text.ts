/** Numbers as people read them in tables. */

/** Three digits behind the point; `-` where nothing is known. */
export function shareText(share: number | null): string {
  return share === null ? '-' : share.toFixed(3)
}

/** `45 s`, `12 min`, `3.5 h`, `2.1 d`. */
export function durationText(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${(ms / 86_400_000).toFixed(1)} d`
}
