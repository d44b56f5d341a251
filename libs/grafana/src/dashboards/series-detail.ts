/** One series: its score and the band that was expected. Needs `/metrics/scores` of the reporter to be scraped. */
import { dashboard, graph, labelVariable, table } from './panels.ts'

const chosen = 'metric=~"$metric",query=~"$query"'

export function seriesDetail() {
  return dashboard(
    'lapwing-series',
    'Lapwing / Series',
    'Score and expected band of the series that are metrics; above 1 is anomalous. The page of the reporter has all series and their reasons.',
  )
    .withVariable(labelVariable('query', 'Query', 'lapwing_anomaly_score'))
    .withVariable(labelVariable('metric', 'Metric', 'lapwing_anomaly_score'))
    .withPanel(
      graph(
        { title: 'Score', description: 'Above 1 is anomalous, whatever the model.', unit: 'short' },
        [`lapwing_anomaly_score{${chosen}}`, '{{metric}} {{exported_instance}}{{instance}}'],
        ['vector(1)', 'anomalous from here'],
      ).span(24),
    )
    .withPanel(
      graph(
        {
          title: 'Expected band',
          description: 'What was expected of the newest sample, in the unit of the series.',
          unit: 'short',
        },
        [`lapwing_expected_value{${chosen}}`, 'expected {{metric}} {{instance}}'],
        [`lapwing_expected_lower{${chosen}}`, 'lower {{metric}} {{instance}}'],
        [`lapwing_expected_upper{${chosen}}`, 'upper {{metric}} {{instance}}'],
      ).span(24),
    )
    .withPanel(
      table(
        { title: 'Highest scores now', description: 'The twenty series furthest from what was expected.', unit: 'short' },
        `topk(20, lapwing_anomaly_score{${chosen}})`,
      ),
    )
    .withPanel(
      graph(
        {
          title: 'Series without a metric',
          description: 'Beyond score_metrics_max_series, or with labels that are one in the text format.',
          unit: 'short',
        },
        ['max by (reason) (lapwing_score_series_left_out)', '{{reason}}'],
      ),
    )
    .build()
}
