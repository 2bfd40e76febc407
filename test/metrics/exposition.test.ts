// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { LatencyHistogram } from '../../src/lib/latency-histogram.ts';
import { byWord, exposition, gauge, histogram } from '../../src/metrics/exposition.ts';

it('is text that Prometheus reads', () => {
  const took = new LatencyHistogram();
  took.add(0.2, false);
  took.add(20_000, true);
  const text = exposition([
    gauge('a', 'One.', 1.5),
    gauge('absent', 'None.', undefined),
    byWord('b_total', 'Two.', 'counter', 'kind', [
      ['x', 1],
      ['a"b\\c\nd', 2],
    ]),
    histogram('c_seconds', 'Three.', [[{ of: 'y' }, took.snapshot()]]),
  ]);
  expect(text).toContain('# HELP a One.\n# TYPE a gauge\na 1.5\n');
  expect(text).not.toContain('absent');
  expect(text).toContain('# TYPE b_total counter\nb_total{kind="x"} 1\nb_total{kind="a\\"b\\\\c\\nd"} 2\n');
  expect(text).toContain('c_seconds_bucket{of="y",le="0.0001"} 0\nc_seconds_bucket{of="y",le="0.00025"} 1\n');
  expect(text).toContain('c_seconds_bucket{of="y",le="10"} 1\nc_seconds_bucket{of="y",le="+Inf"} 2\n');
  expect(text).toContain('c_seconds_sum{of="y"} 20.0002\nc_seconds_count{of="y"} 2\n');
});
