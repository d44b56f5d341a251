/**
 * Ends a service in order before V8 kills it: with words and an exit code instead of an abort in the middle of something.
 *
 * After each full garbage collection what is left is what is in use. When that comes close to the heap's limit the next
 * allocations end the process anyway; by then V8 no longer runs any JavaScript. A burst that fills the heap between two turns of the event loop is not
 * caught. Nothing is lost either way, because state is taken up from its checkpoint.
 */
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** V8 counts the space for young objects, three times 16 MB unless a flag says otherwise, into the limit; what stays cannot use it. */
const youngBytes = 48 * 1024 * 1024
/** Beyond this share of the limit nearly all time goes into collections that free nothing. */
const fullShare = 0.9

/** What is said at this use of the heap; undefined while there is room. */
export function outOfMemory(usedBytes: number, limitBytes: number): string | undefined {
  if (usedBytes < fullShare * limitBytes) return undefined
  const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`
  return (
    `out of memory: ${megabytes(usedBytes)} of the heap are in use, its limit is ${megabytes(limitBytes)}; ` +
    'give it more (NODE_OPTIONS=--max-old-space-size=MEGABYTES), share the partitions with another replica, or lower the limit on series'
  )
}

/** @param end called once, with what to say */
export function guardMemory(end: (message: string) => void): void {
  const observer = new PerformanceObserver((list) => {
    const wasFull = list
      .getEntries()
      .some(({ detail }) => (detail as { kind: number }).kind === constants.NODE_PERFORMANCE_GC_MAJOR)
    if (!wasFull) return
    const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics()
    const message = outOfMemory(usedBytes, limitBytes - youngBytes)
    if (message === undefined) return
    observer.disconnect()
    end(message)
  })
  observer.observe({ entryTypes: ['gc'] })
}
