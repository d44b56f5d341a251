/** The settings in force, service by service, as each process tells them: to be read and taken along. */
import type { ProcessSettings, Settings } from '../api-model.ts'
import { Copyable } from './copyable.tsx'
import { formatTime } from './format.ts'

export function SettingsView({ settings, nowMs }: { settings: Settings | undefined; nowMs: number }) {
  return (
    <main class="view">
      <h1 class="hidden">Settings</h1>
      <section class="card wide" aria-labelledby="settings-title">
        <h2 id="settings-title">Settings in force</h2>
        <p class="muted settings-note">
          With defaults, without secrets, as each process tells them; one that has not been heard for half an hour is left out.
        </p>
        {settings && settings.missing.length > 0 && <p class="notice">Not heard of: {settings.missing.join(', ')}.</p>}
        {alike(settings?.processes ?? []).map((processes) => (
          <Processes key={processes[0]!.instance + processes[0]!.service} processes={processes} nowMs={nowMs} />
        ))}
      </section>
    </main>
  )
}

function Processes({ processes, nowMs }: { processes: readonly ProcessSettings[]; nowMs: number }) {
  const [{ service, version, yaml }] = processes as [ProcessSettings]
  return (
    <details class="process">
      <summary>
        <b>{service}</b> <small>{processes.length > 1 ? `${processes.length} processes alike` : `version ${version}`}</small>
      </summary>
      <p class="muted">
        {processes
          .map(
            ({ instance, version: its, startedAtMs }) => `${instance}, version ${its}, since ${formatTime(startedAtMs, nowMs)}`,
          )
          .join(' · ')}
      </p>
      <Copyable text={yaml} label={`Settings of the ${service} as YAML`} />
    </details>
  )
}

/** Replicas that run with the same settings are shown once: that they do is what one wants to know. */
function alike(processes: readonly ProcessSettings[]): ProcessSettings[][] {
  const groups = new Map<string, ProcessSettings[]>()
  for (const process of processes) {
    const key = JSON.stringify([process.service, process.yaml])
    groups.set(key, [...(groups.get(key) ?? []), process])
  }
  return [...groups.values()]
}
