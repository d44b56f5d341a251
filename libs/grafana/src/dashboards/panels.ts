/** The few kinds of panels that our dashboards are made of, so that all look alike and a dashboard reads as a list of questions. */
import {
  BigValueGraphMode,
  GraphGradientMode,
  LegendDisplayMode,
  LegendPlacement,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'

/** The data source is a choice of whoever looks. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
export const prometheus = { type: 'prometheus', uid: '${datasource}' }

/** A query and the text of its legend, `{{label}}` for a label. */
export type Line = readonly [expression: string, legend: string]

export interface PanelText {
  readonly title: string
  /** What it says and what to do when it is bad. */
  readonly description: string
  /** Grafana's name of a unit: `s`, `short`, `percentunit`, `bytes`, `dateTimeFromNow` … */
  readonly unit: string
}

const halfWidth = 12
const statWidth = 4

export function dashboard(uid: string, title: string, description: string): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['lapwing'])
    .readonly()
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('Lapwing').type(DashboardLinkType.Dashboards).tags(['lapwing']).asDropdown(false).keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
}

/** A variable with the values of a label. */
export function labelVariable(name: string, title: string, metric: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(title)
    .datasource(prometheus)
    .query(`label_values(${metric}, ${name})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
}

export function graph(text: PanelText, ...lines: readonly Line[]): TimeSeriesBuilder {
  const panel = new TimeSeriesBuilder()
    .title(text.title)
    .description(text.description)
    .datasource(prometheus)
    .unit(text.unit)
    .span(halfWidth)
    .height(8)
    .fillOpacity(8)
    .gradientMode(GraphGradientMode.None)
    .legend(new VizLegendOptionsBuilder().displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom).showLegend(true))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
  for (const [i, line] of lines.entries()) panel.withTarget(query(line, i))
  return panel
}

/** A number of now; from `warningFrom` on it is orange, from `badFrom` on red. */
export function stat(
  text: PanelText,
  expression: string,
  limits?: { readonly warningFrom: number; readonly badFrom: number },
): StatBuilder {
  const panel = new StatBuilder()
    .title(text.title)
    .description(text.description)
    .datasource(prometheus)
    .unit(text.unit)
    .span(statWidth)
    .height(4)
    .graphMode(BigValueGraphMode.Area)
    .noValue('–')
    .withTarget(query([expression, ''], 0))
  const steps = limits
    ? [
        { value: null, color: 'green' },
        { value: limits.warningFrom, color: 'orange' },
        { value: limits.badFrom, color: 'red' },
      ]
    : [{ value: null, color: 'blue' }]
  return panel.thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
}

export function table(text: PanelText, expression: string): TableBuilder {
  return new TableBuilder()
    .title(text.title)
    .description(text.description)
    .datasource(prometheus)
    .unit(text.unit)
    .span(halfWidth)
    .height(8)
    .withTarget(query([expression, ''], 0).instant().format(PromQueryFormat.Table))
    .withTransformation({ id: 'organize', options: { excludeByName: { Time: true } } })
}

function query([expression, legend]: Line, index: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .refId(String.fromCharCode(65 + index))
    .expr(expression)
    .legendFormat(legend)
    .datasource(prometheus)
}
