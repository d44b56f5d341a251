/** The plots of a report. */
import { reasonText } from '@lapwing/alerting/reason-text'
import { colour, fontFamily, plotSvg } from './plot.ts'
import type { Report } from './report.ts'
import { partsOf } from './report-period.ts'
import { clockText } from './report-text.ts'

const textStyle = { fontFamily, fontSize: 12, color: colour('faint') }
const axisLabel = { color: colour('faint') }
const lines = { lineStyle: { color: colour('line') } }
const barStyle = { type: 'bar', silent: true, emphasis: { disabled: true }, barMaxWidth: 26 } as const

/** Episodes by the hour (of a day) or the day in which they opened: those that people were told of, and the others. */
export function episodesPlot({ episodes, period }: Report): string {
  const starts = partsOf(period, period.kind === 'daily' ? 'hours' : 'days')
  const count = (isTold: boolean) => {
    const counts = starts.map(() => 0)
    for (const { openedAtMs, told } of episodes) {
      const at = starts.findLastIndex((startMs) => startMs <= openedAtMs)
      if (told === isTold) counts[Math.max(at, 0)]!++
    }
    return counts
  }
  const names = starts.map((startMs) => {
    const time = clockText(startMs, period.timeZone)
    return period.kind === 'daily' ? time.slice(11, 13) : time.slice(5, 10)
  })
  return plotSvg(
    {
      textStyle,
      grid: { left: 36, right: 8, top: 34, bottom: 26 },
      legend: { top: 2, left: 0, itemWidth: 12, itemHeight: 12, itemGap: 36, textStyle, selectedMode: false },
      xAxis: { type: 'category', data: names, axisLine: lines, axisTick: { show: false }, axisLabel },
      yAxis: { type: 'value', minInterval: 1, splitLine: lines, axisLabel },
      series: [
        { ...barStyle, name: 'people were told', stack: 'all', itemStyle: { color: colour('told') }, data: count(true) },
        { ...barStyle, name: 'held back', stack: 'all', itemStyle: { color: colour('held') }, data: count(false) },
      ],
    },
    { width: 860, height: 220 },
  )
}

/** Records that ended without a message, by reason. */
export function noisePlot({ noise }: Report): string {
  const shown = noise.slice(0, mostReasons).reverse()
  return plotSvg(
    {
      textStyle,
      grid: { left: 300, right: 56, top: 4, bottom: 4 },
      xAxis: { type: 'value', show: false },
      yAxis: {
        type: 'category',
        data: shown.map(({ reason }) => reasonText(reason)),
        axisLine: { show: false },
        axisTick: { show: false },
        axisLabel: { color: colour('ink'), width: 290, overflow: 'truncate' },
      },
      series: [
        {
          ...barStyle,
          itemStyle: { color: colour('held') },
          label: { show: true, position: 'right', color: colour('ink'), fontFamily },
          data: shown.map(({ records }) => records),
        },
      ],
    },
    { width: 860, height: 12 + 30 * shown.length },
  )
}

const mostReasons = 12
