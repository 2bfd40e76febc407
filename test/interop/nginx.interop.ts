// SPDX-License-Identifier: Apache-2.0
/** nginx, as `docs/consumers/nginx.md` sets it up. */
import { expect } from '@jest/globals';
import { proxyStory } from './consumers/proxy-story.ts';

/** What Debian's main configuration does, in places of the test's. */
const MAIN = `
user www-data;
worker_processes 2;
pid run/nginx.pid;
error_log run/error.log info;
events {}
http {
  access_log off;
  include conf.d/*.conf;
}
`;

proxyStory({
  name: 'nginx',
  language: 'nginx',
  config: 'etc/nginx/conf.d/web.conf',
  pidFile: 'run/nginx.pid',
  signal: 'SIGHUP',
  file: 'var/lib/nginx-tls/tls.crt',
  prepare: (bench) => {
    bench.program('nginx', `exec /usr/sbin/nginx -p ${bench.root}/ -c etc/nginx/nginx.conf "$@"`);
    bench.put('etc/nginx/nginx.conf', MAIN);
  },
  start: (bench) => void bench.start(['nginx', '-g', 'daemon off;']),
  withoutCertificate: 400,
  afterwards: (bench) => expect(bench.read('run/error.log')).not.toMatch(/\[(emerg|alert|crit)\]/),
});
