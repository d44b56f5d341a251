import com.amazon.randomcutforest.RandomCutForest;

/**
 * Samples per CPU second of AWS's random cut forest, 50 trees of 256 samples, shingle 8: RcfSpeed SERIES. The series take turns.
 * Prints {"samplesPerSecond": …}. Measured on forests that are not full yet, which favours them.
 */
class RcfSpeed {
  static final int WARM_SAMPLES = 64;

  public static void main(String[] arguments) {
    int series = Integer.parseInt(arguments[0]);
    RandomCutForest[] forests = new RandomCutForest[series];
    for (int i = 0; i < series; i++) {
      forests[i] =
          RandomCutForest.builder()
              .dimensions(8)
              .shingleSize(8)
              .internalShinglingEnabled(true)
              .numberOfTrees(50)
              .sampleSize(256)
              .outputAfter(32)
              .randomSeed(i)
              .build();
    }
    long warm = (long) series * WARM_SAMPLES;
    double sum = run(forests, 0, warm);
    long start = cpuNanos();
    long samples = 0;
    while (cpuNanos() - start < 10_000_000_000L) {
      sum += run(forests, warm + samples, 1000);
      samples += 1000;
    }
    if (!(sum > 0)) throw new IllegalStateException("nothing was scored");
    System.out.println("{\"samplesPerSecond\": " + samples / ((cpuNanos() - start) / 1e9) + "}");
  }

  static double run(RandomCutForest[] forests, long from, long count) {
    double sum = 0;
    java.util.Random random = new java.util.Random(from);
    for (long i = from; i < from + count; i++) {
      RandomCutForest forest = forests[(int) (i % forests.length)];
      float[] point = {(float) (0.5 + 0.3 * Math.sin(i / 40.0) + 0.1 * (random.nextDouble() - 0.5))};
      sum += forest.getAnomalyScore(point);
      forest.update(point);
    }
    return sum;
  }

  static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }
}
