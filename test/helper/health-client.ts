// SPDX-License-Identifier: Apache-2.0
/** Asks a helper how it is, as a probe does. */
import { request } from 'node:http';

export interface Health {
  readonly code: number;
  readonly status: string;
  readonly health: { readonly file_write_statuses: object };
  readonly daemon: {
    readonly reachable: boolean;
    readonly streams: { readonly state: string; readonly problem: string | null }[];
  };
  readonly outputs: {
    readonly name: string;
    readonly state: string;
    readonly fresh_until: string | null;
    readonly last_write: string | null;
    readonly writes: number;
    readonly last_error: string | null;
  }[];
  readonly actions: { readonly name: string; readonly done: number; readonly last_error: string | null }[];
  readonly program: { readonly pid: number | null; readonly starts: number; readonly last_end: string | null } | null;
}

/** `where`: the path of a unix socket, or a port. */
export function askHealth(
  where: string | number,
  path = '/ready',
  method = 'GET',
  host = '127.0.0.1',
): Promise<Health> {
  const place = typeof where === 'string' ? { socketPath: where } : { host, port: where };
  return new Promise((resolve, reject) => {
    const asked = request({ ...place, path, method }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      answer.on('end', () => {
        const said: object = body === '' ? {} : JSON.parse(body);
        resolve({ code: answer.statusCode, ...said } as Health);
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
