// SPDX-License-Identifier: Apache-2.0
/** Everything written once, for init containers; and how wrong configurations end. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fits, HelperBench, read } from './bench.ts';
import { RotatingApi } from './rotating-api.ts';

let api: RotatingApi;
let bench: HelperBench;

beforeEach(async () => {
  api = await RotatingApi.start();
  bench = new HelperBench();
});

afterEach(async () => {
  await bench.close();
  api.close();
});

const config = (): string => `
outputs:
  - name: web
    folder: ${bench.out}
    x509: { cert: tls.crt, key: tls.key }
    run: { command: [touch, ${join(bench.folder, 'ran')}] }
`;

describe('assay helper --once', () => {
  it('writes everything, tells nobody, and ends with 0', async () => {
    bench.start(config(), { flags: ['--once', '--socket', api.uri] });
    expect(await bench.ended()).toBe(0);
    expect(fits(read(bench.path('tls.crt')) ?? '', read(bench.path('tls.key')) ?? '')).toBe(true);
    expect(existsSync(join(bench.folder, 'ran'))).toBe(false);
  });

  it('says what it wrote, in JSON', async () => {
    bench.start(config(), { flags: ['--once', '-o', 'json', '--log-level', 'error', '--socket', api.uri] });
    expect(await bench.ended()).toBe(0);
    const files = ['tls.crt', 'tls.key'];
    expect(JSON.parse(bench.log)).toEqual({
      written: [{ name: 'web/x509', folder: bench.out, files, fresh_until: expect.stringMatching(/Z$/) }],
    });
  });

  it('finds the Workload API by SPIFFE_ENDPOINT_SOCKET', async () => {
    bench.start(config(), { flags: ['--once'], env: { SPIFFE_ENDPOINT_SOCKET: api.uri } });
    expect(await bench.ended()).toBe(0);
  });

  it('waits for a daemon that is not there yet', async () => {
    api.stop();
    bench.start(config(), { flags: ['--once', '--socket', api.uri] });
    setTimeout(() => void api.listen(), 1_500);
    expect(await bench.ended()).toBe(0);
  });

  it('ends with 1 when its time is over, and says what is missing and why', async () => {
    api.stop();
    bench.start(config(), { flags: ['--once', '--timeout', '2s', '--socket', api.uri, '--log-level', 'error'] });
    expect(await bench.ended()).toBe(1);
    expect(bench.log).toMatch(/not written within 2s: web\/x509 \(UNAVAILABLE: .*\)/);
    expect(bench.log).toContain('next: look at the log');
  });

  it('ends with 1 at once when the Workload API refuses for good', async () => {
    api.api.onStream = (stream) => stream.end(12, 'no certificates here');
    bench.start(config(), { flags: ['--once', '--socket', api.uri, '--log-level', 'error'] });
    expect(await bench.ended()).toBe(1);
    expect(bench.log).toContain('refused for good: UNIMPLEMENTED: no certificates here');
  });

  it('ends with 1 when the one identity that is wanted is not among those there are', async () => {
    const hinted = config().replace('name: web', 'name: web\n    hint: internal');
    bench.start(hinted, { flags: ['--once', '--timeout', '1s', '--socket', api.uri] });
    expect(await bench.ended()).toBe(1);
    expect(bench.log).toContain('no identity of this process has the hint internal; it has spiffe://example.org/web');
  });

  it('is what daemon_mode = false means', async () => {
    const hcl = `agent_address = "${api.api.path}"
daemon_mode = false
cmd = "touch"
cmd_args = "${join(bench.folder, 'ran')}"
cert_dir = "out"
svid_file_name = "svid.pem"
svid_key_file_name = "svid_key.pem"
svid_bundle_file_name = "svid_bundle.pem"
`;
    bench.start(hcl, { file: 'helper.conf' });
    expect(await bench.ended()).toBe(0);
    expect(fits(read(bench.path('svid.pem')) ?? '', read(bench.path('svid_key.pem')) ?? '')).toBe(true);
    expect(existsSync(join(bench.folder, 'ran'))).toBe(false);
    expect(bench.log).toContain('daemon_mode is false');
  });
});

describe('a configuration', () => {
  it('with a mistake is refused with its place and the nearest key', async () => {
    bench.start(config().replace('tls.key }', 'tls.key, bundel: x }'));
    expect(await bench.ended()).toBe(1);
    expect(bench.log).toContain('outputs[0].x509.bundel (helper.yaml:5): is no key of this configuration');
    expect(bench.log).toContain('did you mean bundle?');
  });

  it('is required', async () => {
    bench.start(config(), { flags: ['--config', 'x'] });
    expect(await bench.ended()).toBe(2);
    expect(bench.log).toContain('given twice');
  });
});
