// SPDX-License-Identifier: Apache-2.0
/** A daemon with `jwt.issuer` and what verifiers of OpenID Connect read, by a certificate of a CA of the test for `localhost`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { webCa, webLeaf } from '../federation/endpoints.ts';
import { Daemon, type DaemonOptions } from './daemon.ts';
import { freePort } from './free-port.ts';
import { pem } from './test-ca.ts';
import { keyPem } from './tls-parties.ts';

export interface IssuingDaemon {
  readonly daemon: Daemon;
  readonly issuer: string;
  readonly port: number;
  /** PEM, and the file that holds it. */
  readonly ca: string;
  readonly caFile: string;
}

export async function issuingDaemon(options: DaemonOptions = {}, jwt = ''): Promise<IssuingDaemon> {
  const port = await freePort();
  const issuer = `https://localhost:${port}/id`;
  const daemon = new Daemon({
    ...options,
    config: [
      `https: { listen: "127.0.0.1:${port}", cert: c.pem, key: k.pem }`,
      `jwt: { issuer: "${issuer}"${jwt} }`,
      ...(options.config ?? []),
    ],
  });
  const leaf = webLeaf();
  const caFile = join(daemon.folder, 'ca.pem');
  writeFileSync(join(daemon.folder, 'c.pem'), leaf.chain.map(pem).join(''));
  writeFileSync(join(daemon.folder, 'k.pem'), keyPem(leaf.pkcs8), { mode: 0o600 });
  writeFileSync(caFile, pem(webCa.der));
  try {
    await daemon.start();
  } catch (error) {
    await daemon.close();
    throw error;
  }
  return { daemon, issuer, port, ca: pem(webCa.der), caFile };
}
