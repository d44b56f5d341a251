/** The settings in force, to be read and taken along. */
import type { Settings } from '../api-model.ts'
import { Copyable } from './copyable.tsx'

export function SettingsView({ settings }: { settings: Settings | undefined }) {
  return (
    <main class="view">
      <h1 class="hidden">Settings</h1>
      <section class="card wide" aria-labelledby="settings-title">
        <h2 id="settings-title">Settings in force</h2>
        {settings && (
          <>
            <p class="muted">
              With defaults, without secrets, of the process that serves this page: {settings.sections.join(', ')}. Services that
              run in processes of their own have theirs.
            </p>
            <Copyable text={settings.yaml} label="Settings as YAML" />
          </>
        )}
      </section>
    </main>
  )
}
