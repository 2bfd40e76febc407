// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { LineProgram } from '../support/line-program.ts';
import { isRoot, PeerBench } from '../support/peers.ts';

const script = join(import.meta.dirname, 'programs', 'hardened.ts');

it('B2: a hardened process is not dumpable and leaves no core', async () => {
  const program = new LineProgram(process.execPath, ['--no-warnings', script]);
  const line = await program.heard('hardened');
  expect(line).toMatchObject({ dumpable: false });
  expect(readFileSync(`/proc/${program.pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m);
  await program.end();
});

it('B2: memory of the daemon cannot be read by its own uid, and the daemon still works', async () => {
  const bench = await PeerBench.open();
  const ids = isRoot ? { uid: 4242, gid: 4242 } : {};
  const daemon = await bench.daemon(['--hardened'], ids);
  const reader = await bench.caller(ids);
  reader.say(`read /proc/${daemon.pid}/mem`);
  expect(await reader.heard('read')).toMatchObject({ code: 'EACCES' });
  reader.say(`connect ${daemon.path}`);
  const uid = isRoot ? 4242 : process.getuid?.();
  expect(await daemon.program.heard('accepted')).toMatchObject({ pid: reader.pid, uid, same: true, readable: true });
});
