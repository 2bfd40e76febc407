// SPDX-License-Identifier: Apache-2.0
/** HAProxy, as `docs/consumers/haproxy.md` sets it up. */
import { expect } from '@jest/globals';
import { proxyStory } from './consumers/proxy-story.ts';

proxyStory({
  name: 'haproxy',
  language: 'haproxy',
  config: 'etc/haproxy/haproxy.cfg',
  pidFile: 'run/haproxy.pid',
  signal: 'SIGUSR2',
  file: 'var/lib/haproxy-tls/tls.pem',
  prepare: () => undefined,
  start: (bench) => void bench.start(bench.page.take('').trim().split(' ')),
  withoutCertificate: undefined,
  // No idle connection was closed under a request (option idle-close-on-response).
  afterwards: (_bench, load) => expect(load.repeated).toBe(0),
});
