// SPDX-License-Identifier: Apache-2.0
/** `assay report`: the numbers with their targets. 1 with `--fail` where one is missed. */
import type { WireMetric } from '../api/admin/wire-finding.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, instant, plain, printJson, printTable } from './print.ts';
import { count } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly offenders?: string;
  readonly fail?: boolean;
}

const SHOWN = 10;
const MOST_SHOWN = 1_000;

export async function report(io: Io, options: Options): Promise<number> {
  const { offenders: asked = String(SHOWN) } = options;
  const offenders = asked === '0' ? 0 : count(asked, '--offenders', MOST_SHOWN);
  const call = withAdmin(io, options, (admin) => admin.call('GetReport', { offenders }));
  const { at, metrics } = await withFlagNames(['--offenders'], call);
  const missed = metrics.filter(({ verdict }) => verdict === 'missed');
  if (options.output === 'json')
    printJson(io, { at: instant(Number(at)), missed: missed.length, metrics: metrics.map(metricJson) });
  else print(io, metrics, missed.length);
  return options.fail === true && missed.length > 0 ? 1 : 0;
}

export function metricJson(metric: WireMetric): object {
  return {
    id: metric.id,
    title: metric.title,
    unit: metric.unit,
    value: metric.value ?? null,
    target: metric.target === '' ? null : metric.target,
    verdict: metric.verdict,
    offenders: metric.offenders,
    has_more: metric.has_more,
  };
}

function print(io: Io, metrics: readonly WireMetric[], missed: number): void {
  const rows = metrics.map((metric) => [
    metric.verdict === 'watch' ? '' : metric.verdict,
    metric.id,
    valueText(metric),
    metric.target === '' ? '-' : metric.target,
    metric.title,
  ]);
  printTable(io, ['VERDICT', 'METRIC', 'VALUE', 'TARGET', 'WHAT'], rows);
  for (const { id, offenders, has_more } of metrics) {
    if (offenders.length === 0) continue;
    io.out(`\n${id}\n`);
    for (const offender of offenders) io.out(`  ${plain(offender)}\n`);
    if (has_more) io.out('  and more\n');
  }
  io.talk(missed === 0 ? 'every target is met\n' : `${missed} targets are missed\n`);
}

function valueText({ value, unit }: WireMetric): string {
  if (value === undefined) return '-';
  const text = String(Math.round(value * 100) / 100);
  return unit === 'percent' ? `${text} %` : unit === 'seconds' ? `${text} s` : text;
}
