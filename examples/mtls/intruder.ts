// SPDX-License-Identifier: Apache-2.0
/**
 * A process that nobody registered. It asks for an identity and gets none; it calls `billing` without one and is
 * turned away.
 *
 *     SPIFFE_ENDPOINT_SOCKET=unix:///run/assay/workload/api.sock node examples/mtls/intruder.ts PORT
 */
import { get } from 'node:https';
// In your own project: import { ... } from 'assay/client'
import { Failure, X509Source } from '../../src/client/index.ts';

const port = Number(process.argv[2]);

console.log('asks the daemon: "give me an identity"');
try {
  await X509Source.open({ waitForEntry: false });
  console.log('FAILED: it was given one');
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.log(`refused: ${error.message.replace(/^.*PERMISSION_DENIED: /, '')}`);
}

console.log('calls billing all the same, without a certificate');
get({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false }, (response) => {
  console.log(`FAILED: billing answered with ${response.statusCode}`);
  response.resume();
}).once('error', (error) =>
  console.log(`refused: billing hung up before a byte of the request was read (${error.message})`),
);
