// SPDX-License-Identifier: Apache-2.0
/** `metrics`: where numbers are read. In the file alone: it opens a port. */
import { isIP } from 'node:net';
import { LISTEN, type ListenAddress, showAddress } from './https.ts';
import type { SettingsReader } from './reader.ts';
import { flag } from './settings.ts';

/** Undefined where the file has no `metrics.listen`. */
export function readMetrics(reader: SettingsReader): { readonly listen: ListenAddress } | undefined {
  const listen = reader.readFromFile('metrics.listen', LISTEN);
  const beyond = reader.readFromFile('metrics.insecure_beyond_loopback', flag(false));
  if (listen === undefined) return undefined;
  // guard: I10 test/config/metrics.test.ts — nobody is asked who they are there
  if (!isLoopback(listen.host) && !beyond) {
    reader.refuse(
      reader.label('metrics.listen'),
      showAddress(listen),
      'is not on loopback, and whoever reaches it may read',
      'listen at "127.0.0.1:9464" or "[::1]:9464", or set metrics.insecure_beyond_loopback: true',
    );
    return undefined;
  }
  return { listen };
}

function isLoopback(host: string): boolean {
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1';
}
