// SPDX-License-Identifier: Apache-2.0
/** `assay watch`: one line for each update and each break, until interrupted. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon, top } from '../support/daemon.ts';

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.close());

function watch() {
  const args = ['watch', '-o', 'json', '--socket', daemon.endpoint];
  const child = spawn(join(top, 'bin/assay'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  return {
    ended,
    interrupt: () => child.kill('SIGINT'),
    // biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
    next: async (): Promise<any> => JSON.parse((await lines.next()).value ?? 'null'),
  };
}

describe('assay watch', () => {
  it('waits for an entry, follows changes, survives a restart, and ends with 0 when interrupted', async () => {
    const watching = watch();
    try {
      expect(await watching.next()).toMatchObject({ event: 'ended', code: 7, at: expect.stringMatching(/Z$/) });
      const selectors = [`unix:uid:${process.getuid!()}`];
      await daemon.admin.createEntry({ id: 'w', spiffe_id: 'spiffe://example.org/w', selectors });
      const first = await until(watching.next, 'update');
      expect(first.svids).toMatchObject([{ spiffe_id: 'spiffe://example.org/w', serial: expect.any(String) }]);
      expect(JSON.stringify(first)).not.toContain('PRIVATE KEY');

      await daemon.admin.call('UpdateEntry', {
        id: 'w',
        entry: { dns_names: ['w.example.org'] },
        fields: ['dns_names'],
      });
      const second = await until(watching.next, 'update');
      expect(second.svids[0].serial).not.toBe(first.svids[0].serial);

      await daemon.stop();
      expect(await until(watching.next, 'ended')).toMatchObject({ code: 14, retry_in_ms: expect.any(Number) });
      await daemon.start();
      expect((await until(watching.next, 'update')).svids).toHaveLength(1);
    } finally {
      watching.interrupt();
    }
    expect(await watching.ended).toBe(0);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
async function until(next: () => Promise<any>, event: string): Promise<any> {
  for (;;) {
    const line = await next();
    if (line === null || line.event === event) return line;
  }
}
