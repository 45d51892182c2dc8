// A dashboard with the panels that we use, as Grafana's own types have it, written as JSON.
import type { Dashboard, DataQuery, Panel, RowPanel } from '@grafana/schema';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// Of the Prometheus data source, which is in no package of types.
interface PrometheusQuery extends DataQuery {
  expr: string;
  legendFormat: string;
  range: true;
}

type Of<Type, Options, Fields> = Omit<Panel<Options, Fields>, 'type' | 'options' | 'targets' | 'fieldConfig'> & {
  type: Type;
  options: Options;
  targets: PrometheusQuery[];
  fieldConfig: { defaults: Omit<NonNullable<Panel['fieldConfig']>['defaults'], 'custom'> & { custom?: Fields }; overrides: [] };
};

interface Tessera extends Omit<Dashboard, 'panels'> {
  panels: (Of<'stat', Stat.Options, never> | Of<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig> | RowPanel & { type: 'row' })[];
}

// A member of an enumeration of strings is its value.
type Json<T> = T extends string ? `${T}` : T extends (infer Element)[] ? Json<Element>[] : T extends object ? { [Key in keyof T]: Json<T[Key]> } : T;

export type Written = Json<Tessera>;
