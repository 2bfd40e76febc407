// SPDX-License-Identifier: Apache-2.0
/** `https` and `introspection`: the listeners for whoever is not on this host. In the file alone: it opens a port and names a private key (attack A13). */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { Refusal, type Setting, type SettingsReader } from './reader.ts';
import { text } from './settings.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface HttpsConfig {
  readonly listen: ListenAddress;
  /** Absolute; undefined where an SVID of the daemon is shown. */
  readonly files: { readonly cert: string; readonly key: string } | undefined;
}

const HINT = 'write "127.0.0.1:8443", "[::1]:8443" or "0.0.0.0:8443", in quotes';

export const LISTEN: Setting<ListenAddress | undefined> = {
  fallback: undefined,
  show: (address) => (address === undefined ? '' : showAddress(address)),
  parse(raw) {
    if (typeof raw !== 'string') return new Refusal('is no address', HINT);
    const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(raw) ?? [];
    const host = bracketed ?? plain ?? '';
    const port = Number(digits);
    if (isIP(host) === 0) return new Refusal('is no address and port', HINT);
    if (!(port >= 1 && port <= 65_535)) return new Refusal('has no port within 1 and 65535', HINT);
    return { host, port };
  },
};

export function showAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `folder`: where relative paths start. Undefined where the file has no `https.listen`. */
export function readHttps(reader: SettingsReader, folder: string): HttpsConfig | undefined {
  const listen = reader.readFromFile('https.listen', LISTEN);
  const cert = reader.readFromFile('https.cert', pathFrom(folder));
  const key = reader.readFromFile('https.key', pathFrom(folder));
  const block = reader.tree('https');
  if (block === undefined) return undefined;
  if (listen === undefined) {
    if (reader.tree('https.listen') === undefined)
      reader.refuse(reader.placeOf('https', block.line), undefined, 'lacks listen', HINT);
    return undefined;
  }
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    reader.refuse(reader.label(`https.${given}`), undefined, `stands without https.${missing}`, 'give both, or none');
  }
  return { listen, files: cert === undefined || key === undefined ? undefined : { cert, key } };
}

/** Undefined where the file has no `introspection.listen`. */
export function readIntrospection(reader: SettingsReader): { readonly listen: ListenAddress } | undefined {
  const listen = reader.readFromFile('introspection.listen', LISTEN);
  return listen === undefined ? undefined : { listen };
}

export function pathFrom(folder: string): Setting<string | undefined> {
  return {
    ...text<string | undefined>(undefined, (path) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
      if (path === '' || /[\u0000-\u001f\u007f]/.test(path))
        return new Refusal('is no path', 'give the path of a file');
      return resolve(folder, path);
    }),
    show: (path) => path ?? '',
  };
}
