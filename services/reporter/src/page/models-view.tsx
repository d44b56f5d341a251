/** Versions of the batch models with the numbers they were judged by, what asked for them, what is trained now and next, and the way back to an earlier one. */
import { useEffect, useState } from 'preact/hooks'
import type { Models, ModelView, NextRun } from '../api-model.ts'
import { post } from './api-client.ts'
import { formatTime } from './format.ts'
import { OutcomeText } from './outcome-text.tsx'
import { Scroller } from './scroller.tsx'
import { TableHead } from './table-head.tsx'
import { type Progress, progressText, whenText } from './training.ts'
import { useRequest } from './use-request.ts'

interface ModelsProperties {
  models: Models | undefined
  nowMs: number
  onChanged: () => void
}

export function ModelsView({ models, nowMs, onChanged }: ModelsProperties) {
  const isTraining = models?.models.some(({ progress }) => progress !== null) ?? false
  useEffect(() => {
    if (!isTraining) return
    const timer = setInterval(onChanged, progressEveryMs)
    return () => clearInterval(timer)
  }, [isTraining, onChanged])
  return (
    <main class="view">
      <h1 class="hidden">Models and drift</h1>
      <section class="card wide" aria-labelledby="models-title">
        <h2 id="models-title">Models</h2>
        {models && models.models.length === 0 && (
          <p class="muted">
            No batch model yet. Every series has its own detector from its first sample; a model of a whole machine is asked for
            by drift, or by <code>./lapwing train</code>.
          </p>
        )}
        {models && models.models.length > 0 && <Versions models={models.models} nowMs={nowMs} onChanged={onChanged} />}
      </section>
      {models && models.nextRuns.length > 0 && (
        <section class="card wide" aria-labelledby="next-title">
          <h2 id="next-title">Next trainings</h2>
          <NextRuns runs={models.nextRuns} nowMs={nowMs} />
        </section>
      )}
      <section class="card wide" aria-labelledby="drift-title">
        <h2 id="drift-title">Drift</h2>
        {models && <Requests requests={models.requests} nowMs={nowMs} />}
      </section>
    </main>
  )
}

/** While a training goes on; otherwise the view is read as often as the others. */
const progressEveryMs = 2000

function Versions({ models, nowMs, onChanged }: { models: readonly ModelView[]; nowMs: number; onChanged: () => void }) {
  return (
    <Scroller label="Versions of models">
      <table>
        <TableHead columns={['Of', 'Version', 'State', 'Learned from', 'Validation', 'Why', 'Change']} />
        <tbody>
          {models.map((model) => (
            <Version key={model.modelId} model={model} nowMs={nowMs} onChanged={onChanged} />
          ))}
        </tbody>
      </table>
    </Scroller>
  )
}

function Version({ model, nowMs, onChanged }: { model: ModelView; nowMs: number; onChanged: () => void }) {
  const state = model.isInForce ? 'in force' : model.state === 'promoted' ? 'replaced' : model.state.replaceAll('_', ' ')
  return (
    <tr class={model.isInForce ? 'in-force' : ''}>
      <td class="series">{model.entity}</td>
      <td>
        <code>{model.modelId}</code>
        <small>{model.kind}</small>
      </td>
      <td>
        <b>{model.progress ? 'in training' : state}</b>
        {model.progress ? (
          <ProgressBar progress={model.progress} nowMs={nowMs} />
        ) : (
          <small>{formatTime(model.stateAtMs, nowMs)}</small>
        )}
      </td>
      <td>
        {model.trainedRows > 0 ? (
          <>
            {model.trainedRows} rows of {model.channels.length} series
            <small>
              {formatTime(model.trainedFromMs, nowMs)} to {formatTime(model.trainedToMs, nowMs)}
            </small>
          </>
        ) : (
          '–'
        )}
      </td>
      <td>
        <ul class="numbers">
          {model.metrics.map(({ name, value }) => (
            <li key={name}>
              {name.replaceAll('_', ' ')} <b>{value === null ? '–' : Number(value.toPrecision(3))}</b>
            </li>
          ))}
        </ul>
      </td>
      <td class="why">
        {model.reason}
        <small>{model.decision}</small>
      </td>
      <td>
        <Change model={model} onChanged={onChanged} />
      </td>
    </tr>
  )
}

function ProgressBar({ progress, nowMs }: { progress: Progress; nowMs: number }) {
  return (
    <>
      <progress max={1} value={progress.share} aria-label="progress of the training" />
      <small>{progressText(progress, nowMs)}</small>
    </>
  )
}

function NextRuns({ runs, nowMs }: { runs: readonly NextRun[]; nowMs: number }) {
  return (
    <Scroller label="Next runs">
      <table>
        <TableHead columns={['When', 'What', 'Why']} />
        <tbody>
          {runs.slice(0, runsShown).map((run) => (
            <tr key={`${run.scope} ${run.by} ${run.atMs}`}>
              <td class="time">
                {formatTime(run.atMs, nowMs)}
                <small>{whenText(run, nowMs)}</small>
              </td>
              <td class="series">{run.entity}</td>
              <td class="why">{run.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {runs.length > runsShown && <p class="muted">and {runs.length - runsShown} later ones</p>}
    </Scroller>
  )
}

const runsShown = 20

/** Asks why before it asks for the change: the reason stands in the record for whoever looks later. */
function Change({ model, onChanged }: { model: ModelView; onChanged: () => void }) {
  const [wanted, setWanted] = useState<'promote' | 'rollback'>()
  const [reason, setReason] = useState('')
  const request = useRequest()
  const ask = () =>
    request.start(async () => {
      await post(`models/${encodeURIComponent(model.modelId)}/change`, { change: wanted, reason })
      setWanted(undefined)
      setTimeout(onChanged, decidedAfterMs)
      return 'Asked for. The trainer decides in a moment.'
    })
  return (
    <>
      {wanted === undefined ? (
        <>
          {model.mayRollBack && (
            <button type="button" class="action" onClick={() => setWanted('rollback')}>
              Roll back…
            </button>
          )}
          {model.mayPromote && (
            <button type="button" class="action" onClick={() => setWanted('promote')}>
              Bring into force…
            </button>
          )}
        </>
      ) : (
        <p class="fields">
          <label>
            why <input value={reason} maxLength={2000} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
          <button type="button" class="action" disabled={reason === '' || request.isBusy} onClick={ask}>
            {wanted === 'rollback' ? 'Roll back' : 'Bring into force'}
          </button>
          <button type="button" class="action" onClick={() => setWanted(undefined)}>
            Leave it
          </button>
        </p>
      )}
      <OutcomeText request={request} />
    </>
  )
}

const decidedAfterMs = 2000

function Requests({ requests, nowMs }: { requests: Models['requests']; nowMs: number }) {
  if (requests.length === 0) return <p class="muted">No series has drifted so far.</p>
  return (
    <Scroller label="Requests">
      <table>
        <TableHead columns={['When', 'What', 'Noticed by', 'Why']} />
        <tbody>
          {requests.slice(0, requestsShown).map(({ id, atMs, text, detector, reason }) => (
            <tr key={id}>
              <td class="time">{formatTime(atMs, nowMs)}</td>
              <td class="series">{text}</td>
              <td>{detector}</td>
              <td class="why">{reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  )
}

const requestsShown = 100
