// SPDX-License-Identifier: Apache-2.0
/** I10: a container's environment may hold secrets. They match entries, and are seen nowhere. */
import { expect, it, jest } from '@jest/globals';
import { assayHere } from '../../support/cli.ts';
import { DockerDaemon } from '../../support/docker-daemon.ts';
import { describeWithDocker } from '../../support/testbed.ts';

jest.setTimeout(120_000);
const CANARY = 'canary-c41d8e';

describeWithDocker('a container with a secret in its environment', (docker) => {
  for (const format of ['text', 'json']) {
    const room = DockerDaemon.forTests(docker.engine, [`log: { level: debug, format: ${format} }`]);

    it(`I10: has it in no log line, no refusal and no explanation: ${format}`, async () => {
      const container = await docker.run({ env: { KEY: CANARY }, labels: { app: 'secret' } });
      const other = await docker.run({ env: { KEY: `other-${CANARY}` } });
      await room.entry('secret', `docker:env:KEY=${CANARY}`);
      expect(await room.givenIn(container)).toBe('secret');
      const caller = await other.caller();
      const refused = room.call(caller);
      const { message } = await refused.end;
      expect(message).toMatch(/no identity issued/);
      const explained = await assayHere([
        ...['explain', '--pid', String(caller.pid)],
        ...['--admin-socket', room.daemon.adminSocket, '--output', 'json'],
      ]);
      expect(explained.out).toContain('docker');
      await caller.kill();
      for (const text of [room.daemon.output, message, explained.out, explained.err])
        expect(text).not.toContain(CANARY);
    });
  }
});
