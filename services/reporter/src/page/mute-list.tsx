/** The mutes in force that were given on the page, each with the way to take it back. */
import { useState } from 'preact/hooks'
import type { MuteView } from '../api-model.ts'
import { post } from './api-client.ts'
import { rememberedAuthor } from './author.ts'
import { formatTime } from './format.ts'
import { OutcomeText } from './outcome-text.tsx'
import { useRequest } from './use-request.ts'

export function MuteList({ mutes, nowMs }: { mutes: readonly MuteView[]; nowMs: number }) {
  const [lifted, setLifted] = useState<ReadonlySet<string>>(new Set())
  const request = useRequest()
  const shown = mutes.filter(({ id }) => !lifted.has(id))
  const lift = (mute: MuteView) =>
    request.start(async () => {
      const author = rememberedAuthor()
      await post(`mutes/${encodeURIComponent(mute.id)}/lift`, author ? { author } : {})
      setLifted((known) => new Set([...known, mute.id]))
      return 'Taken back. What still fires is told now.'
    })
  return (
    <>
      {shown.length === 0 && <p class="muted">No series is muted on this page.</p>}
      {shown.map((mute) => (
        <div key={mute.id} class="mute">
          <code>{mute.text}</code>
          <MuteText mute={mute} nowMs={nowMs} onLift={() => lift(mute)} />
        </div>
      ))}
      <OutcomeText request={request} />
    </>
  )
}

export function MuteText({ mute, nowMs, onLift }: { mute: MuteView; nowMs: number; onLift: () => void }) {
  return (
    <p class="said">
      by <b>{mute.author}</b> until {formatTime(mute.endsAtMs, nowMs)}: {mute.comment}{' '}
      <button type="button" class="action" onClick={onLift}>
        Take back
      </button>
    </p>
  )
}
