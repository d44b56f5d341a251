/**
 * Plots on the server: from an option of ECharts to SVG, and from there to PNG with a font of our own, so that they look the same on every machine.
 *
 * Colours are named (`var(--ink)`): in a page the style sheet says what they are, in light and in dark; a picture takes the light ones. The same plot gives the
 * same bytes. Nothing in it moves, so no script and no style come with it.
 */
import { createRequire } from 'node:module'
import { Resvg } from '@resvg/resvg-js'
import { BarChart, CustomChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, MarkAreaComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

use([BarChart, CustomChart, LineChart, GridComponent, LegendComponent, MarkAreaComponent, SVGRenderer])

export interface PlotSize {
  /** In CSS pixels. */
  readonly width: number
  readonly height: number
}

/** Names of colours and what they are on white. */
export const lightColours = {
  ink: '#1d2733',
  faint: '#66758a',
  line: '#d9dfe7',
  paper: '#ffffff',
  told: '#c2410c',
  held: '#94a3b8',
  band: '#bfdbfe',
  series: '#1d4ed8',
  good: '#15803d',
} as const
export type ColourName = keyof typeof lightColours

export function colour(name: ColourName): string {
  return `var(--${name})`
}

export const fontFamily = 'DejaVu Sans'

export function plotSvg(option: EChartsCoreOption, size: PlotSize): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size })
  try {
    chart.setOption({ animation: false, ...option })
    return withoutInteraction(chart.renderToSVGString())
  } finally {
    chart.dispose()
  }
}

/** Names in it count the charts of the process, and are for pointers. */
function withoutInteraction(svg: string): string {
  return svg
    .replace(/<style[^>]*>.*?<\/style>/gs, '')
    .replace(/ (class|pointer-events|ecmeta_\w+)="[^"]*"/g, '')
    .replace(/\bzr\d+-/g, 'plot-')
}

const fontFiles = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map((file) =>
  createRequire(import.meta.url).resolve(`dejavu-fonts-ttf/ttf/${file}`),
)

/** On white, at twice its size. */
export function svgToPng(svg: string): Buffer {
  const coloured = svg.replace(/var\(--(\w+)\)/g, (written, name: string) =>
    Object.hasOwn(lightColours, name) ? lightColours[name as ColourName] : written,
  )
  const image = new Resvg(coloured, {
    font: { fontFiles, loadSystemFonts: false, defaultFontFamily: fontFamily },
    fitTo: { mode: 'zoom', value: 2 },
    background: lightColours.paper,
  })
  return image.render().asPng()
}
