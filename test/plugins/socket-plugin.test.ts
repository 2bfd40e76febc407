// SPDX-License-Identifier: Apache-2.0
/** Plugins that somebody else runs (attack A13): whose folder, and whose socket. */
import { chmodSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { madeUpProcess } from '../../src/attestation/contract.ts';
import type { Attestor } from '../../src/attestation/plugin.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { externalAttestor } from '../../src/plugins/external-attestor.ts';
import { PluginSession } from '../../src/plugins/session.ts';
import { socketSource } from '../../src/plugins/socket-plugin.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { closePlugins, FakePlugin, until } from '../support/fake-plugin.ts';

const uid = process.getuid?.() ?? 0;
const never = new AbortController().signal;
let attestor: Attestor | undefined;

afterEach(async () => {
  await attestor?.close?.();
  attestor = undefined;
  closePlugins();
});

async function attestorOf(plugin: FakePlugin): Promise<Attestor> {
  const options = { name: 'mine', config: undefined, strength: 'claimed' } as const;
  const source = socketSource({ socket: plugin.path, uid }, uid);
  attestor = await externalAttestor(options, source, { clock: systemClock, log: silentLogger, answerMs: 5_000 });
  return attestor;
}
const claimed = { kinds: [{ name: 'team', strength: 'STRENGTH_CLAIMED' }] };

describe('a plugin at a socket', () => {
  it('is asked, and asked again after it was restarted', async () => {
    const plugin = await FakePlugin.start((it) => {
      it.configure = () => claimed;
    });
    const mine = await attestorOf(plugin);
    expect(await mine.attest(madeUpProcess(), never)).toMatchObject({ applies: true });
    plugin.server.forceShutdown();
    await until(() => mine.health?.().status === 'fail');
    const second = await FakePlugin.start((it) => {
      it.configure = () => claimed;
    }, plugin.path);
    await until(() => mine.health?.().status !== 'fail');
    expect(await mine.attest(madeUpProcess(), never)).toMatchObject({ applies: true });
    expect(second.configured.length).toBe(1);
  });

  it('A13: claims no more than its configuration grants', async () => {
    const plugin = await FakePlugin.start();
    await expect(attestorOf(plugin)).rejects.toMatchObject({ reason: 'PLUGIN_INVALID' });
  });

  it('A13: is not talked to when another uid listens there', async () => {
    const plugin = await FakePlugin.start();
    const { place } = await socketSource({ socket: plugin.path, uid: uid + 1 }, uid).begin();
    const options = { name: 'mine', place, config: undefined, startMs: 500, answerMs: 5_000 };
    const opened = PluginSession.open({ ...options, clock: systemClock, changed: () => undefined });
    await expect(opened).rejects.toMatchObject({ reason: 'PLUGIN_UNAVAILABLE' });
    expect(plugin.configured).toEqual([]);
  });

  it.each([0o777, 0o1777])('A13: is not connected to in a folder of mode %o', async (mode) => {
    const plugin = await FakePlugin.start();
    chmodSync(plugin.folder, mode);
    await expect(socketSource({ socket: plugin.path, uid }, uid).begin()).rejects.toMatchObject({
      reason: 'PLUGIN_UNAVAILABLE',
      message: expect.stringMatching(/others can write it/),
    });
  });
});
