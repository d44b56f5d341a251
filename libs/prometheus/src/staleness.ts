/**
 * Prometheus' staleness marker: the NaN with the bits 0x7ff0000000000002, which says that a series has ended.
 *
 * It must be told from other NaNs by its eight bytes, before they become a number: a NaN that has passed through a plain array
 * may come out with other bits.
 *
 * Source: prometheus/model/value, StaleNaN.
 */
export const staleMarkerLow = 0x00000002
export const staleMarkerHigh = 0x7ff00000

/** Whether the double at this place, little-endian, is the marker. */
export function isStaleMarker(view: DataView, offset: number): boolean {
  return view.getUint32(offset, true) === staleMarkerLow && view.getUint32(offset + 4, true) === staleMarkerHigh
}
