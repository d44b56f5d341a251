/**
 * Traces over OpenTelemetry, on when the usual environment variables say where to (`OTEL_EXPORTER_OTLP_ENDPOINT`), otherwise not even loaded.
 *
 * What is read: `OTEL_EXPORTER_OTLP_*`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` with its argument, `OTEL_BSP_*`, and
 * `OTEL_SDK_DISABLED`; most of it by the SDK itself. Spans are sent as JSON over HTTP.
 *
 * Source: OpenTelemetry specification, "Environment Variable Specification".
 */
type Environment = Readonly<Record<string, string | undefined>>

export interface TracedProcess {
  /** `OTEL_SERVICE_NAME` comes before it. */
  readonly serviceName: string
  readonly version: string
}

/** Longest time for sending what is left when the process ends; an unreachable collector must not hold it up. */
const flushTimeoutMs = 3000

export function tracingIsOn(environment: Environment): boolean {
  const endpoint = environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? environment.OTEL_EXPORTER_OTLP_ENDPOINT
  return Boolean(endpoint) && environment.OTEL_SDK_DISABLED !== 'true' && environment.OTEL_TRACES_EXPORTER !== 'none'
}

/** Resolves with what sends the last spans and ends it; with nothing to do when tracing is off. */
export async function startTracing(
  environment: Environment,
  { serviceName, version }: TracedProcess,
): Promise<() => Promise<void>> {
  if (!tracingIsOn(environment)) return async () => undefined
  const [{ NodeTracerProvider }, { BatchSpanProcessor }, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ])
  const ours = resources.resourceFromAttributes({
    'service.name': environment.OTEL_SERVICE_NAME || serviceName,
    'service.namespace': 'lapwing',
    'service.version': version,
  })
  const provider = new NodeTracerProvider({
    resource: resources.detectResources({ detectors: [resources.envDetector] }).merge(ours),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  })
  provider.register()
  return async () => {
    const late = new Promise((resolve) => setTimeout(resolve, flushTimeoutMs).unref())
    // Nobody is left to tell of spans that could not be sent.
    await Promise.race([provider.shutdown().catch(() => undefined), late])
  }
}
