/** Is there something to do, and does Lapwing itself work? */
import { dashboard, graph, stat } from './panels.ts'

export function overview() {
  return dashboard(
    'lapwing-overview',
    'Lapwing / Overview',
    'What is anomalous now, who was told, and whether Lapwing itself is well.',
  )
    .withPanel(
      stat(
        { title: 'Open anomalies', description: 'Episodes that have not ended.', unit: 'short' },
        'max(lapwing_anomalies_open)',
        { warningFrom: 5, badFrom: 25 },
      ),
    )
    .withPanel(
      stat(
        { title: 'Told in 24 h', description: 'Notifications delivered to any receiver.', unit: 'short' },
        'sum(increase(lapwing_notifications_total{outcome="delivered"}[24h]))',
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Noise removed',
          description: 'Share of what was taken on in 24 h that nobody had to read.',
          unit: 'percentunit',
        },
        'sum(increase(lapwing_notifications_total{outcome="suppressed"}[24h])) / sum(increase(lapwing_notifications_total[24h]))',
      ),
    )
    .withPanel(
      stat(
        { title: 'Age of results', description: 'Age of the newest scored sample, from end to end.', unit: 's' },
        'min(lapwing_pipeline_lag_seconds)',
        { warningFrom: 120, badFrom: 300 },
      ),
    )
    .withPanel(
      stat(
        { title: 'Series', description: 'Series that are scored, whatever their state.', unit: 'short' },
        'max by () (sum by (instance) (lapwing_series))',
      ),
    )
    .withPanel(
      stat(
        { title: 'Processes not answering', description: 'Of those that Prometheus scrapes.', unit: 'short' },
        'count(up{job=~".*lapwing.*"} == 0) or vector(0)',
        { warningFrom: 1, badFrom: 2 },
      ),
    )
    .withPanel(
      graph({ title: 'Anomalies by severity', description: 'Episodes opened per hour.', unit: 'short' }, [
        'sum by (severity) (increase(lapwing_anomalies_total[1h]))',
        '{{severity}}',
      ]),
    )
    .withPanel(
      graph(
        {
          title: 'Series by state',
          description: 'Warming ones become ok by themselves; sparse and silent ones have gaps.',
          unit: 'short',
        },
        ['max by (state) (lapwing_series)', '{{state}}'],
      ),
    )
    .withPanel(
      graph(
        { title: 'Samples', description: 'Put on the log and scored, per second: the two should be one line.', unit: 'short' },
        ['sum(rate(lapwing_ingest_samples_total[$__rate_interval]))', 'on the log'],
        ['sum(rate(lapwing_detector_samples_total[$__rate_interval]))', 'scored'],
      ),
    )
    .withPanel(
      graph({ title: 'Notifications', description: 'What became of alert records, per hour.', unit: 'short' }, [
        'sum by (receiver, outcome) (increase(lapwing_notifications_total[1h]))',
        '{{receiver}} {{outcome}}',
      ]),
    )
    .build()
}
