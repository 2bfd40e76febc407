// SPDX-License-Identifier: Apache-2.0
/** The certificate that a PostgreSQL server shows, which psql does not tell: SSLRequest (PostgreSQL's manual, 55.2.11), then TLS. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Credentials } from './credentials.ts';

const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');
const TIMEOUT_MS = 5_000;

/** Verified as `sslmode=verify-full` does. */
export async function probe(
  port: number,
  name: string,
  { cert, key, ca }: Credentials,
): Promise<{ readonly serial: string; readonly issuer: string }> {
  const socket = connect(port, '127.0.0.1');
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    await once(socket, 'connect', { signal });
    socket.write(SSL_REQUEST);
    const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
    if (answer.toString('latin1') !== 'S') throw new Error(`the server answers ${answer.toString('latin1')}`);
    const secure = connectTls({ socket, servername: name, cert, key, ca });
    await once(secure, 'secureConnect', { signal });
    const shown = secure.getPeerX509Certificate();
    secure.end();
    return { serial: shown?.serialNumber ?? '', issuer: shown?.issuer ?? '' };
  } finally {
    socket.destroy();
  }
}
