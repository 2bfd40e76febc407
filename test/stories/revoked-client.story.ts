// SPDX-License-Identifier: Apache-2.0
/** An SVID is taken back while it is in use: two services, a daemon and the operator's command, each a process of its own. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { assay } from '../support/cli.ts';
import { Daemon, top } from '../support/daemon.ts';
import { JsonLines } from '../support/json-lines.ts';

const WITHIN_MS = 2_000;
const UIDS = { billing: 4_711, orders: 4_712 } as const;
const app = join(top, 'test/stories/mutual-app.ts');
let daemon: Daemon;
const started: JsonLines[] = [];

beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(async () => {
  for (const one of started) await one.stop();
  await daemon?.close();
});

function start(role: keyof typeof UIDS, ...args: string[]): JsonLines {
  const id = String(UIDS[role]);
  const as = ['--reuid', id, '--regid', id, '--clear-groups', process.execPath, '--no-warnings', app];
  const one = new JsonLines('setpriv', [...as, role, ...args], { SPIFFE_ENDPOINT_SOCKET: daemon.endpoint });
  started.push(one);
  return one;
}

it('WAPI-39: a client whose SVID is revoked is refused in under 2 s, its open connection is cut, and it goes on with a new one', async () => {
  // 1. Two services, each with its identity.
  for (const [role, uid] of Object.entries(UIDS))
    await daemon.admin.createEntry({ spiffe_id: `spiffe://example.org/${role}`, selectors: [`unix:uid:${uid}`] });
  const billing = start('billing');
  const { port } = await billing.named('listening');
  const orders = start('orders', String(port));
  const serial = (await orders.named('identity'))['serial'] as string;

  // 2. One calls the other: over a connection that it keeps, and over new ones.
  await orders.named('kept');
  await orders.named('answered');

  // 3. Somebody has its key, and is served with it.
  const { pid } = orders;
  process.kill(pid, 'SIGUSR2');
  await orders.named('stolen-answered');
  expect(orders.count('cut')).toBe(0);

  // 4. The operator takes the SVID back.
  const reason = ['--reason', 'key seen', '--admin-socket', daemon.adminSocket];
  const revoked = await assay(['svid', 'revoke', serial, ...reason]);
  expect(revoked).toMatchObject({ code: 0 });
  const { svid } = await daemon.admin.call('GetSvid', { serial });
  const revokedAt = Number((svid as { revoked_at: string }).revoked_at);

  // 5. The open connection is cut, and whoever has the key is refused.
  const cut = await orders.named('cut');
  const refused = await orders.named('stolen-refused');
  expect(await billing.named('refused')).toMatchObject({ why: expect.stringContaining('revoked') });
  expect(cut['heard']).toBeGreaterThan(0);
  const took = { cut: Number(cut['at']) - revokedAt, refused: Number(refused['at']) - revokedAt };

  // 6. Never again; and the service itself has another SVID, with which it is served.
  await orders.until((one) => one.event === 'answered' && one['serial'] !== serial);
  await sleep(1_000);
  const last = Math.max(
    ...orders.events.filter(({ event }) => event === 'stolen-answered').map(({ at }) => Number(at)),
  );
  console.log(`after the revocation: connection cut in ${took.cut} ms, refused first in ${took.refused} ms`);
  expect(last).toBeLessThan(Number(refused['at']));
  expect(took.cut).toBeLessThan(WITHIN_MS);
  expect(took.refused).toBeLessThan(WITHIN_MS);
  const later = billing.events.filter(({ event, at }) => event === 'accepted' && Number(at) > Number(refused['at']));
  expect(later.map((one) => one['serial'])).not.toContain(serial);
  expect(later.length).toBeGreaterThan(0);

  // 7. The log says who was given what, and what was taken back.
  expect(await assay(['audit', 'verify', '--data-dir', daemon.dataDir])).toMatchObject({ code: 0 });
});
