/** The views of the page. Links, so that they open in another tab too. */
import { type Change, initialState, type PageState, toAddress, type ViewName, viewNames } from './model.ts'

const titles: Readonly<Record<ViewName, string>> = {
  overview: 'Overview',
  series: 'Series',
  explore: 'Explore',
  models: 'Models',
  settings: 'Settings',
}

export function Nav({ state, change }: { state: PageState; change: Change }) {
  return (
    <nav class="views" aria-label="Views">
      {viewNames.map((view) => (
        <a
          key={view}
          href={toAddress({ ...initialState, view })}
          aria-current={state.view === view ? 'page' : undefined}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return
            event.preventDefault()
            change((now) => ({ ...now, view }))
          }}
        >
          {titles[view]}
        </a>
      ))}
    </nav>
  )
}
