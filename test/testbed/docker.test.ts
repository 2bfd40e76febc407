// SPDX-License-Identifier: Apache-2.0
/** The test bed's engine does what other tests rely on. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { Daemon } from '../support/daemon.ts';
import { describeWithDocker, describeWithPrivateEngine } from '../support/testbed.ts';

describeWithDocker('a container', (docker) => {
  it('runs with the labels and the environment that it was given, in a cgroup of its own', async () => {
    const container = await docker.run({ labels: { 'org.example.app': 'web' }, env: { COLOUR: 'blue' } });
    const { Config } = await container.inspect();
    expect(Config.Labels).toEqual({ 'org.example.app': 'web' });
    expect((await container.exec(['env'])).stdout).toContain('COLOUR=blue\n');
    expect(readFileSync(`/proc/${await container.pid()}/cgroup`, 'utf8')).toContain(container.id);
  });

  it('is gone when it has ended', async () => {
    const container = await docker.run({ command: ['sleep', '0'] });
    await container.becomes('gone');
    await container.remove();
  });

  it('stays until it is removed when it is told to', async () => {
    const container = await docker.run({ autoRemove: false });
    await container.stop();
    expect(await container.status()).toBe('exited');
    await container.start();
    expect(await container.status()).toBe('running');
  });

  it('has an image that a later one of the same name does not change', async () => {
    const [one, other] = await Promise.all([docker.run(), docker.run()]);
    const tag = `local/assay-test-${process.pid}:1`;
    const first = await docker.commit(one, tag, ['LABEL shade=dark']);
    const labelled = await docker.run({ image: tag });
    const second = await docker.commit(other, tag, ['LABEL shade=light']);
    expect(second).not.toBe(first);
    expect((await labelled.inspect()).Image).toBe(first);
    await labelled.remove();
    await docker.request('DELETE', `/images/${tag}?force=1`);
    await docker.request('DELETE', `/images/${first}?force=1`).catch(() => undefined);
  });
});

describeWithDocker('a caller in a container', (docker) => {
  it('is in the cgroup of the container, and its pid is the one that this machine counts', async () => {
    const container = await docker.run();
    const caller = await container.caller();
    const look = await caller.look();
    expect(look.cgroup).toContain(container.id);
    expect(readFileSync(`/proc/${look.pid}/cgroup`, 'utf8')).toBe(look.cgroup);
    await caller.kill();
    expect(existsSync(`/proc/${look.pid}`)).toBe(false);
  });

  it('may be another uid from the start, or become one', async () => {
    const container = await docker.run();
    const caller = await container.caller({ uid: 4242 });
    expect(await caller.look()).toMatchObject({ uid: 4242, gid: 4242 });
    const root = await container.caller();
    expect(await root.change({ uid: 4243 })).toMatchObject({ uid: 4243, pid: root.pid });
  });

  it('connects to a daemon of this machine, keeps a stream and sees what comes next', async () => {
    const daemon = await Daemon.start();
    try {
      await daemon.admin.call('CreateEntry', {
        entry: { spiffe_id: 'spiffe://example.org/web', selectors: ['unix:uid:4242'] },
      });
      const caller = await (await docker.run()).caller({ uid: 4242 });
      const call = caller.call(daemon.workloadSocket);
      expect((await call.at(1)).svids.map((svid) => svid.spiffe_id)).toEqual(['spiffe://example.org/web']);
      caller.cancel(call);
      const refused = (await (await docker.run()).caller({ uid: 4243 })).call(daemon.workloadSocket);
      expect((await refused.end).code).toBe(7);
    } finally {
      await daemon.close();
    }
  });

  it('may be a script of the checkout, or the command', async () => {
    const container = await docker.run();
    const script = container.script('test/support/commanded-caller.ts');
    expect((await script.heard('ready', 60_000))['cgroup']).toContain(container.id);
    const command = container.script('bin/assay', ['--version']);
    expect((await command.heard('text', 60_000))['text']).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('ends with its container, and its call with it', async () => {
    const container = await docker.run();
    const caller = await container.caller();
    const call = caller.call('/nowhere.sock');
    await expect(call.end).rejects.toThrow(/ENOENT/);
    await container.kill();
    await caller.program.ended;
    expect(existsSync(`/proc/${caller.pid}`)).toBe(false);
  });
});

describeWithPrivateEngine('a private engine', (engine) => {
  it('may be stopped and started while its containers go on', async () => {
    const kept = await engine.docker.run({ autoRemove: false });
    const pid = await kept.pid();
    await engine.stop();
    await expect(kept.status()).rejects.toThrow(/ENOENT|ECONNREFUSED/);
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await engine.start();
    expect(await kept.pid()).toBe(pid);
  });

  it('may be held while it listens', async () => {
    const container = await engine.docker.run();
    await engine.pause();
    const late = container.status();
    expect(await Promise.race([late, new Promise((resolve) => setTimeout(resolve, 500, 'nothing yet'))])).toBe(
      'nothing yet',
    );
    await engine.resume();
    expect(await late).toBe('running');
  });
});

describeWithPrivateEngine(
  'a private engine with a user namespace',
  (engine) => {
    it("has containers whose root is another uid of this machine's", async () => {
      const container = await engine.docker.run();
      const status = readFileSync(`/proc/${await container.pid()}/status`, 'utf8');
      expect(Number(/^Uid:\t(\d+)/m.exec(status)?.[1])).toBeGreaterThan(65_535);
      const caller = await container.caller();
      const look = await caller.look();
      expect(look.uid).toBe(0);
      expect(look.cgroup).toContain(container.id);
    });
  },
  { usernsRemap: true },
);
