// SPDX-License-Identifier: Apache-2.0
/**
 * Numbers as Prometheus reads them (text-based exposition format 0.0.4, prometheus.io/docs/instrumenting/exposition_formats).
 * Labels are words of ours: never the name of an identity, of which there may be a million, nor anything that a caller
 * says (I10).
 */
import type { LatencySnapshot } from '../lib/latency-histogram.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** After the family's name. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

export function exposition(families: readonly Family[]): string {
  return families.map(familyText).join('');
}

export function gauge(name: string, help: string, value: number | undefined): Family {
  return { name, help, type: 'gauge', samples: value === undefined ? [] : [{ value }] };
}

export function byWord(
  name: string,
  help: string,
  type: 'counter' | 'gauge',
  label: string,
  values: Iterable<readonly [string, number]>,
): Family {
  return { name, help, type, samples: [...values].map(([word, value]) => ({ labels: { [label]: word }, value })) };
}

/** In seconds, by Prometheus’ convention. */
export function histogram(name: string, help: string, snapshots: Iterable<readonly [Labels, LatencySnapshot]>): Family {
  const samples = [...snapshots].flatMap(([labels, { buckets, count, sumMs }]): Sample[] => [
    ...buckets.map(([boundMs, below]) => ({
      suffix: '_bucket',
      labels: { ...labels, le: String(boundMs / 1_000) },
      value: below,
    })),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: sumMs / 1_000 },
    { suffix: '_count', labels, value: count },
  ]);
  return { name, help, type: 'histogram', samples };
}

function familyText({ name, help, type, samples }: Family): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ suffix = '', labels = {}, value }) => `${name}${suffix}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
