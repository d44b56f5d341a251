/** What a drift detector says after a value. Drift is said once; the detector then starts anew. */
export type DriftLevel = 'stable' | 'warning' | 'drift'
