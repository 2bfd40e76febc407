// SPDX-License-Identifier: Apache-2.0
/** I10: a secret that goes through every door shows in no log line, whatever is done with it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { X509Source } from '../../src/client/x509-source.ts';
import { assayHere } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';

const CANARY = 'canary-7f3a9c';

describe('the log of the daemon', () => {
  it.each(['text', 'json'])('I10: holds no selector value and no key, as %s at level debug', async (format) => {
    const daemon = await Daemon.start({ config: [`log: { level: debug, format: ${format} }`] });
    try {
      const run = (...args: string[]) => assayHere([...args, '--admin-socket', daemon.adminSocket]);
      const own = `unix:uid:${process.getuid!()}`;
      const create = ['entry', 'create', '--spiffe-id'];
      await run(...create, 'spiffe://example.org/own', '--selector', own, '--entry-id', 'own');
      const secret = ['--selector', `docker:env:KEY=${CANARY}`];
      await run(...create, 'spiffe://example.org/s', '--entry-id', 's', '--selector', 'unix:uid:9', ...secret);
      await run(...create, 'spiffe://example.org/s', '--selector', 'unix:uid:9', ...secret);
      await run(...create, 'spiffe://example.org/refused', ...secret);
      await run('entry', 'update', 's', '--selector', 'unix:uid:8', ...secret);
      await run('entry', 'list', ...secret);
      await run('entry', 'show', 's');

      const source = await X509Source.open({ socket: daemon.endpoint });
      const key = source.svid().privateKey.export({ format: 'der', type: 'pkcs8' });
      source.close();
      await run('entry', 'delete', 's');
      await sleep(200);
      await daemon.stop();
      expect(daemon.output).toContain('CreateEntry');
      expect(daemon.output).not.toContain(CANARY);
      // The scalar of a P-256 key begins at byte 36 of its PKCS#8 form.
      const scalar = key.subarray(36, 68);
      for (const form of ['hex', 'base64', 'latin1'] as const)
        expect(daemon.output).not.toContain(scalar.toString(form));
      expect(daemon.output).not.toContain(key.toString('base64').slice(48, 90));
    } finally {
      await daemon.close();
    }
  });
});
