/** Quiet about a series for a while: who asks for it, why and for how long, and the way to take it back. */
import { useEffect, useState } from 'preact/hooks'
import type { GivenMute, MuteView } from '../api-model.ts'
import { get, post } from './api-client.ts'
import { rememberAuthor, rememberedAuthor } from './author.ts'
import { MuteText } from './mute-list.tsx'
import { OutcomeText } from './outcome-text.tsx'
import { SpanChoice, spans } from './span-choice.tsx'
import { useRequest } from './use-request.ts'

export function MuteForm({ episodeId, nowMs }: { episodeId: string; nowMs: number }) {
  const [mutes, setMutes] = useState<readonly MuteView[]>([])
  const request = useRequest()
  const path = `anomalies/${encodeURIComponent(episodeId)}`
  useEffect(() => {
    // What cannot be read is not shown: the form works without it.
    get<MuteView[]>(`${path}/mutes`).then(
      (found) => setMutes(found ?? []),
      () => {},
    )
  }, [path])
  const give = (body: GivenMute) =>
    request.start(async () => {
      if (body.author) rememberAuthor(body.author)
      const mute = await post<MuteView>(`${path}/mute`, body)
      setMutes((known) => [mute, ...known])
      return 'Written down. Who is told of this series waits until its end.'
    })
  const lift = (mute: MuteView) =>
    request.start(async () => {
      const author = rememberedAuthor()
      await post(`mutes/${encodeURIComponent(mute.id)}/lift`, author ? { author } : {})
      setMutes((known) => known.filter(({ id }) => id !== mute.id))
      return 'Taken back. What still fires is told now.'
    })
  return (
    <fieldset class="verdict mute" disabled={request.isBusy}>
      <legend>{mutes.length > 0 ? 'Muted' : 'Mute this series'}</legend>
      {mutes.map((mute) => (
        <MuteText key={mute.id} mute={mute} nowMs={nowMs} onLift={() => lift(mute)} />
      ))}
      {mutes.length === 0 && <Fields onGive={give} />}
      <OutcomeText request={request} />
    </fieldset>
  )
}

function Fields({ onGive }: { onGive: (body: GivenMute) => void }) {
  const [comment, setComment] = useState('')
  const [author, setAuthor] = useState(rememberedAuthor)
  const [forMs, setForMs] = useState<number>(spans[0][1])
  return (
    <p class="fields">
      <SpanChoice label="mute for" valueMs={forMs} onChoose={setForMs} />
      <label>
        reason{' '}
        <input placeholder="needed" value={comment} maxLength={2000} onInput={(event) => setComment(event.currentTarget.value)} />
      </label>
      <label>
        muted by <input value={author} maxLength={200} onInput={(event) => setAuthor(event.currentTarget.value)} />
      </label>
      <button
        type="button"
        class="action"
        disabled={comment.trim() === ''}
        title={
          comment.trim() === ''
            ? 'A mute needs a reason'
            : 'Nobody is told of this series for so long; it goes on being recorded.'
        }
        onClick={() => onGive({ forMs, comment, ...(author && { author }) })}
      >
        Mute
      </button>
    </p>
  )
}
