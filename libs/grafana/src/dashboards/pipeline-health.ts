/** From Prometheus to the page: which stage is late, and why. */
import { dashboard, graph } from './panels.ts'

export function pipelineHealth() {
  return dashboard(
    'lapwing-pipeline',
    'Lapwing / Pipeline health',
    'Read it from top to bottom: the first stage that is late is the one to mend.',
  )
    .withPanel(
      graph(
        {
          title: 'Age of results, by stage',
          description: 'The reporter is the end of the pipeline; the ingestor its beginning.',
          unit: 's',
        },
        ['min(lapwing_pipeline_lag_seconds)', 'end to end'],
        ['max(lapwing_ingest_lag_seconds)', 'slowest query'],
        ['time() - max(lapwing_detector_newest_sample_timestamp_seconds)', 'scored'],
      ),
    )
    .withPanel(
      graph(
        { title: 'Records still to come', description: 'Sum over the partitions; what to scale by.', unit: 'short' },
        ['sum by (service) (lapwing_stage_lag_records)', '{{service}}'],
        ['max(lapwing_reporter_behind_records)', 'reporter'],
      ),
    )
    .withPanel(
      graph(
        { title: 'Runs: polls of Prometheus', description: 'From asking to being on the log.', unit: 's' },
        [
          'histogram_quantile(0.5, sum by (le) (rate(lapwing_ingest_poll_duration_seconds_bucket[$__rate_interval])))',
          'half within',
        ],
        [
          'histogram_quantile(0.99, sum by (le) (rate(lapwing_ingest_poll_duration_seconds_bucket[$__rate_interval])))',
          '99 % within',
        ],
        ['time() - max(lapwing_ingest_last_poll_timestamp_seconds)', 'since the last'],
      ),
    )
    .withPanel(
      graph(
        { title: 'Polls and scrapes that failed', description: 'Per second, by reason.', unit: 'short' },
        ['sum by (reason) (rate(lapwing_ingest_poll_errors_total[$__rate_interval])) > 0', 'poll {{reason}}'],
        ['sum by (outcome) (rate(lapwing_ingest_scrapes_total{outcome!="ok"}[$__rate_interval])) > 0', 'scrape {{outcome}}'],
      ),
    )
    .withPanel(
      graph(
        {
          title: 'Remote writes',
          description: 'Per second, by status. 204 is good; 429 and 5xx come again; other 4xx are lost.',
          unit: 'short',
        },
        ['sum by (status) (rate(lapwing_remote_write_requests_total[$__rate_interval])) > 0', '{{status}}'],
        [
          'histogram_quantile(0.99, sum by (le) (rate(lapwing_remote_write_request_duration_seconds_bucket[$__rate_interval])))',
          '99 % within (s)',
        ],
      ),
    )
    .withPanel(
      graph(
        { title: 'Samples left out', description: 'Per second, by service and reason.', unit: 'short' },
        ['sum by (source, reason) (rate(lapwing_ingest_samples_dropped_total[$__rate_interval])) > 0', '{{source}} {{reason}}'],
        ['sum by (reason) (rate(lapwing_detector_samples_dropped_total[$__rate_interval])) > 0', 'detector {{reason}}'],
        ['sum by (reason) (rate(lapwing_drift_scores_dropped_total[$__rate_interval])) > 0', 'drift {{reason}}'],
      ),
    )
    .withPanel(
      graph(
        {
          title: 'Time for a batch',
          description: '99 % of the batches, from receiving to acknowledged; and the models alone.',
          unit: 's',
        },
        [
          'histogram_quantile(0.99, sum by (service, le) (rate(lapwing_stage_batch_duration_seconds_bucket[$__rate_interval])))',
          '{{service}}',
        ],
        [
          'histogram_quantile(0.99, sum by (le) (rate(lapwing_detector_model_duration_seconds_bucket[$__rate_interval])))',
          'models of series',
        ],
        [
          'histogram_quantile(0.99, sum by (le) (rate(lapwing_entity_model_duration_seconds_bucket[$__rate_interval])))',
          'models of entities',
        ],
      ),
    )
    .withPanel(
      graph(
        { title: 'State', description: 'Checkpoints per second, takeovers and failures.', unit: 'short' },
        [
          'sum by (service) (rate(lapwing_state_checkpoint_duration_seconds_count[$__rate_interval]))',
          '{{service}} checkpoints/s',
        ],
        ['sum by (outcome) (increase(lapwing_state_takeovers_total[1h])) > 0', 'takeovers {{outcome}} in 1 h'],
        ['sum(increase(lapwing_state_checkpoints_failed_total[1h])) > 0', 'failed in 1 h'],
      ),
    )
    .withPanel(
      graph(
        {
          title: 'Damage and errors',
          description: 'Dead letters and log lines that tell of a problem, per hour.',
          unit: 'short',
        },
        ['sum by (service, reason) (increase(lapwing_stage_dead_letters_total[1h])) > 0', 'dead letters {{service}} {{reason}}'],
        ['sum by (service, level) (increase(lapwing_log_problems_total[1h])) > 0', '{{service}} {{level}}'],
      ),
    )
    .withPanel(
      graph(
        {
          title: 'Partitions owned',
          description: 'Their sum for a topic is its number of partitions; less means that nobody reads some.',
          unit: 'short',
        },
        ['sum by (service, topic) (lapwing_stage_partitions)', '{{service}} {{topic}}'],
      ),
    )
    .withPanel(
      graph(
        {
          title: 'Processors and memory',
          description: 'Processors in use; resident memory is on the next panel.',
          unit: 'short',
        },
        [
          'sum by (service) (rate(process_cpu_seconds_total[$__rate_interval]) and on (instance) lapwing_build_info)',
          '{{service}}',
        ],
        ['max by (service) (nodejs_eventloop_lag_p99_seconds and on (instance) lapwing_build_info)', '{{service}} late (s)'],
      ),
    )
    .withPanel(
      graph({ title: 'Resident memory', description: 'By service.', unit: 'bytes' }, [
        'sum by (service) (process_resident_memory_bytes and on (instance) lapwing_build_info)',
        '{{service}}',
      ]),
    )
    .build()
}
