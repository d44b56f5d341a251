/** Of everything here: packages, image and chart share one. `scripts/set-version.ts` sets it. */
export const version = '0.1.0'
