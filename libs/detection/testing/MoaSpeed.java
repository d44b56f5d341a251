import com.yahoo.labs.samoa.instances.Attribute;
import com.yahoo.labs.samoa.instances.DenseInstance;
import com.yahoo.labs.samoa.instances.Instance;
import com.yahoo.labs.samoa.instances.Instances;
import com.yahoo.labs.samoa.instances.InstancesHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import moa.classifiers.oneclass.HSTrees;

/** Samples per CPU second of MOA's half-space trees: MoaSpeed FEATURES SERIES. Prints {"samplesPerSecond": …}. */
class MoaSpeed {
  public static void main(String[] arguments) {
    int features = Integer.parseInt(arguments[0]);
    int series = Integer.parseInt(arguments[1]);
    Instance[] points = points(features, 4096);
    HSTrees[] models = new HSTrees[series];
    for (int i = 0; i < series; i++) models[i] = model(points[0]);
    Run run = new Run(models, points);
    double[] rates = new double[3];
    for (long warm = 0; warm < Math.max(20_000, 600L * series); ) warm += run.batch();
    for (int round = 0; round < rates.length; round++) rates[round] = rate(run);
    java.util.Arrays.sort(rates);
    if (!(run.sum > 0)) throw new IllegalStateException("nothing was scored");
    System.out.println("{\"samplesPerSecond\": " + rates[1] + "}");
  }

  static class Run {
    final HSTrees[] models;
    final Instance[] points;
    int next = 0;
    double sum = 0;

    Run(HSTrees[] models, Instance[] points) {
      this.models = models;
      this.points = points;
    }

    long batch() {
      for (Instance point : points) {
        HSTrees model = models[next];
        sum += model.getAnomalyScore(point);
        model.trainOnInstance(point);
        next = next + 1 == models.length ? 0 : next + 1;
      }
      return points.length;
    }
  }

  static double rate(Run run) {
    long start = cpuNanos();
    long samples = 0;
    while (cpuNanos() - start < 1_500_000_000L) samples += run.batch();
    return samples / ((cpuNanos() - start) / 1e9);
  }

  /** Of the process: compiler and collector included, as for the others. */
  static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  static HSTrees model(Instance first) {
    HSTrees model = new HSTrees();
    model.sizeLimitOption.setValue(0.1);
    model.maxDepthOption.setValue(8);
    model.windowSizeOption.setValue(250);
    model.numTreesOption.setValue(25);
    model.setModelContext(new InstancesHeader((Instances) first.dataset()));
    model.prepareForUse();
    return model;
  }

  static Instance[] points(int features, int count) {
    List<Attribute> attributes = new ArrayList<>();
    for (int i = 0; i < features; i++) attributes.add(new Attribute("f" + i));
    List<String> labels = List.of("normal", "anomaly");
    attributes.add(new Attribute("class", labels));
    Instances header = new Instances("points", attributes, 0);
    header.setClassIndex(features);
    Random random = new Random(2);
    Instance[] points = new Instance[count];
    for (int i = 0; i < count; i++) {
      DenseInstance point = new DenseInstance(features + 1);
      for (int f = 0; f < features; f++) point.setValue(f, 0.5 + 0.3 * Math.sin(i / 40.0) + 0.1 * (random.nextDouble() - 0.5));
      point.setValue(features, 0);
      point.setDataset(header);
      points[i] = point;
    }
    return points;
  }
}
