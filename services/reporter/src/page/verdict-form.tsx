/** What a person says of an anomaly: buttons while nobody has, what was said afterwards, with the way to take it back. */
import { useState } from 'preact/hooks'
import type { AnomalyView, GivenVerdict, JudgementView } from '../api-model.ts'
import { post } from './api-client.ts'
import { rememberAuthor, rememberedAuthor } from './author.ts'
import { formatTime } from './format.ts'
import { OutcomeText } from './outcome-text.tsx'
import { SpanChoice, spans } from './span-choice.tsx'
import { useRequest } from './use-request.ts'

type Verdict = GivenVerdict['verdict']

const choices = [
  {
    verdict: 'confirmed',
    label: 'It was real',
    means: 'Something was wrong. The detector goes on as it is; this counts for the precision.',
  },
  {
    verdict: 'false_alarm',
    label: 'False alarm',
    means: 'Nothing was wrong. Episodes like it on this series are recorded, and nobody is notified.',
  },
  { verdict: 'expected', label: 'Expected', means: 'Planned. The same is not told for the time chosen.' },
  { verdict: 'known', label: 'Known', means: 'It is real and somebody is at it. The same is not told again.' },
  {
    verdict: 'new_normal',
    label: 'New normal',
    means: 'The level stays: it is taken for normal at once, while the episode lasts.',
  },
] as const satisfies readonly { verdict: Verdict; label: string; means: string }[]

export function VerdictForm({ anomaly, nowMs }: { anomaly: AnomalyView; nowMs: number }) {
  const [comment, setComment] = useState('')
  const [author, setAuthor] = useState(rememberedAuthor)
  const [forMs, setForMs] = useState<number>(spans[1][1])
  const request = useRequest()
  const say = (verdict: Verdict) =>
    request.start(async () => {
      rememberAuthor(author)
      const body = { verdict, comment, ...(author && { author }), ...(verdict === 'expected' && { forMs }) }
      await post(`anomalies/${encodeURIComponent(anomaly.episodeId)}/verdict`, body)
      return verdict === 'undone' ? 'Taken back.' : 'Written down. It takes effect with the next samples of the series.'
    })
  return (
    <fieldset class="verdict" disabled={request.isBusy}>
      <legend>{anomaly.judgement ? 'What was said' : 'Was it right to tell you?'}</legend>
      {anomaly.judgement ? (
        <Said judgement={anomaly.judgement} nowMs={nowMs} onUndo={() => say('undone')} />
      ) : (
        <>
          <p class="choices">
            {choices
              .filter(({ verdict }) => verdict !== 'new_normal' || anomaly.state !== 'resolved')
              .map(({ verdict, label, means }) => (
                <button key={verdict} type="button" class={`action ${verdict}`} title={means} onClick={() => say(verdict)}>
                  {label}
                </button>
              ))}
          </p>
          <p class="fields">
            <SpanChoice label="expected for" valueMs={forMs} onChoose={setForMs} />
            <label>
              comment <input value={comment} maxLength={2000} onInput={(event) => setComment(event.currentTarget.value)} />
            </label>
            <label>
              your name <input value={author} maxLength={200} onInput={(event) => setAuthor(event.currentTarget.value)} />
            </label>
          </p>
        </>
      )}
      <OutcomeText request={request} />
    </fieldset>
  )
}

function Said({ judgement, nowMs, onUndo }: { judgement: JudgementView; nowMs: number; onUndo: () => void }) {
  const { verdict, author, comment, origin, atMs, untilMs } = judgement
  return (
    <p class="said">
      <b>{verdict.replaceAll('_', ' ')}</b> by {author || 'somebody'} ({origin}), {formatTime(atMs, nowMs)}
      {untilMs !== null && `, until ${formatTime(untilMs, nowMs)}`}
      {comment && `: ${comment}`}{' '}
      <button type="button" class="action" onClick={onUndo}>
        Take back
      </button>
    </p>
  )
}
