// SPDX-License-Identifier: Apache-2.0
/** `https://HOST:PORT` of a kubelet or an API server. */
import { Refusal, type Setting } from '../reader.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export function address<T extends Address | undefined>(fallback: T, defaultPort: number): Setting<T | Address> {
  return {
    fallback,
    show: (at) => (at === undefined ? '' : `https://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`),
    parse(raw) {
      const found = /^https:\/\/(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::(\d{1,5}))?\/?$/.exec(String(raw));
      const port = Number(found?.[3] ?? defaultPort);
      if (found === null || port < 1 || port > 65_535)
        return new Refusal('is no address of a server', 'write https://HOST or https://HOST:PORT, without a path');
      return { host: (found[1] ?? found[2]) as string, port };
    },
  };
}
