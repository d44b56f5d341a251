/** The page of the reporter: one session, drawn anew whenever its state changes. */
import { render } from 'preact'
import { Page } from './page.tsx'
import { startSession } from './session.ts'

const session = startSession((state) => render(<Page state={state} session={session} />, document.body))
