// SPDX-License-Identifier: Apache-2.0
/**
 * A scripted agent: it does one thing at the desk, or one thing again and again until it may no longer. It knows nothing of tasks: what
 * it finds in SPIFFE_ENDPOINT_SOCKET is a Workload API like any other, and what it is given there is its task's.
 *
 *     assay task run --purpose "ticket 4711" --intent crm:read -- node examples/agent/agent.ts PORT GET /tickets/4711
 */
import { request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
// In your own project: import { ... } from 'assay/client'
import { authorizeId, httpsAgent, JwtSource, X509Source } from '../../src/client/index.ts';

const [port = '', method = 'GET', path = '/', ...more] = process.argv.slice(2);
const source = await X509Source.open();
const tokens = await JwtSource.open();
const { spiffeId } = source.svid();
const desk = `${spiffeId.trustDomain.id}/desk`;
const agent = httpsAgent(source, { authorize: authorizeId(desk), agent: { keepAlive: true, maxSockets: 1 } });
const token = await tokens.token({ audience: desk });
console.log(`I am ${spiffeId}`);

if (more.includes('--again')) await again();
else console.log(`${method} ${path}: ${await ask()}`);
agent.destroy();
source.close();
tokens.close();

/** Until two answers in a row were none. */
async function again(): Promise<void> {
  for (let done = 0, failed = 0; failed < 2; ) {
    try {
      const answer = await ask();
      done += 1;
      failed = 0;
      if (done === 1) console.log(`${method} ${path}, again and again: ${answer}`);
      await wait(100);
    } catch (error) {
      failed += 1;
      console.log(
        failed === 1 ? `after ${done} answers my connection was cut` : `and there is no other: ${words(error)}`,
      );
    }
  }
  process.exitCode = 1;
}

function ask(): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const asked = request({ host: '127.0.0.1', port: Number(port), method, path, headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
      response.once('end', () => resolve(`${response.statusCode} ${text}`));
      response.once('error', reject);
    });
    asked.once('error', reject);
    asked.end();
  });
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
