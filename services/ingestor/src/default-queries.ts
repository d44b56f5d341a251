/**
 * What is polled when no queries are configured: the state of a machine as node exporter tells it, a series per instance.
 *
 * Rates look back two minutes, so that they exist with a scrape interval of up to a minute, which is Prometheus' default.
 */
export const defaultQueries: string[] = [
  'node_load1',
  '1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode="idle"}[2m]))',
  'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes',
  'sum by (instance, job) (rate(node_disk_io_time_seconds_total[2m]))',
  'sum by (instance, job) (rate(node_network_receive_bytes_total{device!="lo"}[2m]))',
  'sum by (instance, job) (rate(node_network_transmit_bytes_total{device!="lo"}[2m]))',
]
