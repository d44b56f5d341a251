/** Text to be taken along: shown as it is, with a button that copies it, or selects it where the browser does not let a page copy. */
import { useRef, useState } from 'preact/hooks'

export function Copyable({ text, label }: { text: string; label: string }) {
  const shown = useRef<HTMLElement>(null)
  const [done, setDone] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setDone('copied')
    } catch {
      getSelection()?.selectAllChildren(shown.current!)
      setDone('selected: copy it with the keyboard')
    }
  }
  return (
    <div class="copyable">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section ref={shown} tabIndex={0} aria-label={label}>
        <pre>{text}</pre>
      </section>
      <button type="button" class="action" onClick={copy}>
        Copy
      </button>
      <small role="status">{done}</small>
    </div>
  )
}
