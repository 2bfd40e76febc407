// SPDX-License-Identifier: Apache-2.0
/** Certificate, key and bundle that a helper wrote as one version, read as `docs/helper.md` says. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Credentials {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
  readonly serial: string;
}

export function readCredentials(folder: string): Credentials {
  const version = dirname(realpathSync(join(folder, 'tls.crt')));
  const file = (name: string): Buffer => readFileSync(join(version, name));
  const cert = file('tls.crt');
  return { cert, key: file('tls.key'), ca: file('ca.crt'), serial: new X509Certificate(cert).serialNumber };
}
