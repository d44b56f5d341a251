/** Do the models still fit, and are they renewed? */
import { dashboard, graph, stat } from './panels.ts'

export function modelsAndDrift() {
  return dashboard(
    'lapwing-models',
    'Lapwing / Models and drift',
    'Drift that was seen, retrainings asked for, versions and what became of them.',
  )
    .withPanel(
      stat(
        { title: 'Versions promoted in 7 d', description: 'They came into force.', unit: 'short' },
        'sum(increase(lapwing_trainer_models_total{state="promoted"}[7d]))',
      ),
    )
    .withPanel(
      stat(
        { title: 'Versions rejected in 7 d', description: 'Validation found them worse than what was in force.', unit: 'short' },
        'sum(increase(lapwing_trainer_models_total{state="rejected"}[7d]))',
      ),
    )
    .withPanel(
      stat(
        { title: 'Trainings that died in 7 d', description: 'Mostly for want of memory.', unit: 'short' },
        'sum(increase(lapwing_trainer_failures_total[7d]))',
        { warningFrom: 1, badFrom: 3 },
      ),
    )
    .withPanel(
      stat(
        { title: 'Training in hand', description: 'How far it is.', unit: 'percentunit' },
        'max(lapwing_trainer_progress_ratio)',
      ),
    )
    .withPanel(
      stat({ title: 'Memory of the last training', description: 'Its most.', unit: 'bytes' }, 'max(lapwing_trainer_peak_bytes)'),
    )
    .withPanel(
      stat(
        { title: 'Weights refused in 7 d', description: 'Absent, changed or malformed.', unit: 'short' },
        'sum(increase(lapwing_entity_models_refused_total[7d]))',
        { warningFrom: 1, badFrom: 1 },
      ),
    )
    .withPanel(
      graph(
        {
          title: 'Drift',
          description: 'Retrainings asked for per hour, and drift that was held back, by what held it.',
          unit: 'short',
        },
        ['sum(increase(lapwing_drift_retrain_requests_total[1h]))', 'asked for'],
        ['sum by (by) (increase(lapwing_drift_held_total[1h]))', 'held by {{by}}'],
      ),
    )
    .withPanel(
      graph({ title: 'Versions by state', description: 'Per hour.', unit: 'short' }, [
        'sum by (state) (increase(lapwing_trainer_models_total[1h]))',
        '{{state}}',
      ]),
    )
    .withPanel(
      graph({ title: 'What was decided about requests', description: 'Per hour.', unit: 'short' }, [
        'sum by (outcome) (increase(lapwing_trainer_control_records_total[1h]))',
        '{{outcome}}',
      ]),
    )
    .withPanel(
      graph(
        {
          title: 'Rows of entities scored',
          description: 'Per second, by the role of the model; and episodes they opened per hour.',
          unit: 'short',
        },
        ['sum by (role) (rate(lapwing_entity_rows_total[$__rate_interval]))', '{{role}} rows/s'],
        ['sum(increase(lapwing_entity_episodes_total[1h]))', 'episodes in 1 h'],
      ),
    )
    .withPanel(
      graph({ title: 'Verdicts of people', description: 'Per day, by what was said.', unit: 'short' }, [
        'sum by (verdict, outcome) (increase(lapwing_detector_verdicts_total[1d])) > 0',
        '{{verdict}} {{outcome}}',
      ]),
    )
    .withPanel(
      graph({ title: 'Watched for drift', description: 'Scores per second.', unit: 'short' }, [
        'sum(rate(lapwing_drift_scores_total[$__rate_interval]))',
        'scores/s',
      ]),
    )
    .build()
}
