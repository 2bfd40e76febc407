// SPDX-License-Identifier: Apache-2.0
/** The helper beside a real daemon: files that follow its rotations. */
import { statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon, SHORT_LIVES } from '../support/daemon.ts';
import { fits, HelperBench, read, until } from './bench.ts';

const uid = process.getuid!();
let daemon: Daemon;
let bench: HelperBench;

beforeAll(async () => {
  daemon = await Daemon.start({ config: SHORT_LIVES });
  const entry = { spiffe_id: 'spiffe://example.org/web', selectors: [`unix:uid:${uid}`] };
  await daemon.admin.call('CreateEntry', { entry });
  bench = new HelperBench();
});

afterAll(async () => {
  await bench?.close();
  await daemon?.close();
});

describe('assay helper', () => {
  it('writes an identity as files and replaces them when it is renewed', async () => {
    bench.start(`
socket: ${daemon.endpoint}
outputs:
  - { name: web, folder: ${bench.out}, x509: { cert: tls.crt, key: tls.key, bundle: ca.crt } }
`);
    const first = await until(() => read(bench.path('tls.crt')), `tls.crt\n${bench.log}`);
    const second = await until(() => {
      const now = read(bench.path('tls.crt'));
      return now !== first && now;
    }, 'a renewed tls.crt');
    expect(fits(second, read(bench.path('tls.key')) ?? '')).toBe(true);
    expect(read(bench.path('ca.crt'))).toContain('BEGIN CERTIFICATE');
    expect(statSync(bench.path('tls.key')).mode & 0o777).toBe(0o600);
    expect(statSync(bench.path('tls.crt')).mode & 0o777).toBe(0o644);
  });
});
