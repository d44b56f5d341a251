/**
 * Run by itself through the loader: how many properties are defined while a batch is scored whose series are known. The loader keeps the names of functions by
 * defining one wherever a named function is made. Prints the number for a batch of as many samples as are asked for.
 */
const define = Object.defineProperty
let definitions = 0
// Before the modules are loaded: each holds on to what it finds.
Object.defineProperty = (object, key, attributes) => {
  definitions++
  return define(object, key, attributes)
}
const { createDetectStep } = await import('../src/detect.ts')
const { detectorSchema } = await import('../src/config.ts')
const { sampleRecord } = await import('./sample-batch.ts')

const series = Number(process.argv[2])
const step = createDetectStep({
  config: detectorSchema.parse({}),
  scoresTopic: 'scores',
  anomaliesTopic: 'anomalies',
  modelsTopic: 'models',
  observe: () => {},
  observeVerdict: () => {},
})
const stepMs = 15_000
const batch = (round: number) =>
  sampleRecord(
    Array.from({ length: series }, (_, i) => ({
      labels: { __name__: 'load', instance: `host-${i}` },
      samples: [[round * stepMs, 10 + Math.sin(round * 1.7 + i)] as const],
    })),
  )
for (let round = 1; round <= 300; round++) {
  const record = batch(round)
  definitions = 0
  step.process(record, () => {})
}
process.stdout.write(String(definitions))

export {}
