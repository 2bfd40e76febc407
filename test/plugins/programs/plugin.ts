// SPDX-License-Identifier: Apache-2.0
/**
 * A plugin in a process of its own for tests. Arguments: how it behaves, and further uids of the team `payments`. `teams` knows uids 1000 and 1001; `show` gives what it can
 * see of itself as facts; `deaf` ignores SIGTERM; `loud` writes without end; `exits` ends before it serves; `stuck` never
 * answers; `refuses` its configuration. SIGUSR2 moves uid 1000 to another team.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import { pluginService } from '../../support/plugin-service.ts';

const behaviour = process.argv[2] ?? 'teams';
const socket = process.env['ASSAY_PLUGIN_SOCKET'] ?? '';
const teams = new Map([
  [1000, 'payments'],
  [1001, 'orders'],
  ...process.argv.slice(3).map((uid): [number, string] => [Number(uid), 'payments']),
]);
const streams = new Set<grpc.ServerWritableStream<object, object>>();

if (behaviour === 'exits') process.exit(7);
if (behaviour === 'deaf') process.on('SIGTERM', () => undefined);
if (behaviour === 'loud') setInterval(() => process.stdout.write(`${'x'.repeat(10_000)}\n`.repeat(50)), 1);
process.stdin.on('end', () => process.exit(0)).resume();
process.on('SIGUSR2', () => {
  teams.set(1000, 'ledger');
  for (const stream of streams) stream.write({ grounds: ['teams'] });
});

function ownFacts(): { name: string; value: string }[] {
  const fds = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  return Object.entries({
    env: Object.keys(process.env).sort().join(),
    cwd: process.cwd(),
    fds: fds.filter((fd) => !/^(?:pipe|anon_inode|socket):|^\/dev\/null$/.test(fd)).join(),
  }).map(([name, value]) => ({ name, value }));
}

type Call = grpc.ServerUnaryCall<{ process: { uid: number } }, object>;

const server = new grpc.Server();
server.addService(pluginService, {
  Configure: (_call: Call, done: grpc.sendUnaryData<object>) => {
    if (behaviour === 'refuses') return done({ code: grpc.status.INVALID_ARGUMENT, details: 'no file' });
    done(null, { kinds: [{ name: 'team', strength: 'STRENGTH_AUTHORITY' }], tells_changes: true });
  },
  Attest: ({ request }: Call, done: grpc.sendUnaryData<object>) => {
    if (behaviour === 'stuck') return;
    const team = teams.get(request.process.uid);
    if (team === undefined)
      return done(null, { does_not_apply: { reason: 'no team has this uid' }, rests_on: ['teams'] });
    const facts = behaviour === 'show' ? ownFacts() : [];
    done(null, { applies: { selectors: [{ value: `team:${team}` }], facts }, rests_on: ['teams'] });
  },
  Changes: (call: grpc.ServerWritableStream<object, object>) => {
    streams.add(call);
    call.on('cancelled', () => streams.delete(call));
  },
});
server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  process.stdout.write('serving\n');
});
