/** The style of a report: one column, light or dark as the reader has it, and a page break where paper needs one. */
import { lightColours } from './plot.ts'

const darkColours: Readonly<Record<keyof typeof lightColours, string>> = {
  ink: '#e6ebf2',
  faint: '#98a6b8',
  line: '#2f3a48',
  paper: '#12181f',
  told: '#fb923c',
  held: '#64748b',
  band: '#1e3a5f',
  series: '#60a5fa',
  good: '#4ade80',
}

function variables(colours: Readonly<Record<string, string>>): string {
  return Object.entries(colours)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';')
}

export const reportStyle = `
:root{color-scheme:light dark;${variables(lightColours)}}
@media (prefers-color-scheme:dark){:root{${variables(darkColours)}}}
@media print{:root{color-scheme:light;${variables(lightColours)}} section{break-inside:avoid} main{max-width:none;padding:0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,"DejaVu Sans",sans-serif}
main{max-width:920px;margin:0 auto;padding:32px 28px 64px}
h1{font-size:26px;margin:0 0 2px} h2{font-size:18px;margin:40px 0 8px}
p{margin:6px 0} .faint{color:var(--faint)} small{color:var(--faint)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:12px;margin:22px 0 8px}
.tile{border:1px solid var(--line);border-radius:8px;padding:12px 14px}
.tile b{display:block;font-size:25px;line-height:1.25;font-variant-numeric:tabular-nums}
.tile small{display:block;line-height:1.35}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th{text-align:left;color:var(--faint);font-weight:500;border-bottom:1px solid var(--line);padding:5px 14px 5px 0;vertical-align:bottom}
td{border-bottom:1px solid var(--line);padding:5px 14px 5px 0;vertical-align:top}
td.long{overflow-wrap:anywhere;min-width:180px}
table.groups{table-layout:fixed;margin-bottom:14px} table.groups th:first-child{width:30%} table.groups td:first-child{overflow-wrap:anywhere}
th.n,td.n{text-align:right;white-space:nowrap} td.t{white-space:nowrap}
td:last-child,th:last-child{padding-right:0}
.critical{color:var(--told);font-weight:600}
svg{display:block;width:100%;height:auto;max-width:860px}
.strip{width:230px;height:14px}
.course{width:64px;height:18px;margin-left:auto}
h3{font-size:15px;margin:18px 0 4px}
`
