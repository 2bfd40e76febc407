// SPDX-License-Identifier: Apache-2.0
/** Attack A13: an engine that a user runs says whatever that user wants. */
import { describe, expect, it } from '@jest/globals';
import type { Applies } from '../../../src/attestation/plugin.ts';
import { attestorOf, ID, INIT, look, processIn } from '../../support/docker-looks.ts';
import { FakeEngine } from '../../support/fake-engine.ts';

const manager = '/user.slice/user-1000.slice/user@1000.service';
const path = `${manager}/user.slice/libpod-${ID}.scope`;
const owners = { [manager]: 1000, [`${manager}/user.slice`]: 1000, [path]: 1000 };
const web = { pid: INIT, labels: { app: 'web' } };

describe('a rootless engine', () => {
  it('A13: is believed of what its user started, and all that it says is claimed', async () => {
    const { attestor } = attestorOf(await FakeEngine.start({ [ID]: web }), { uid: 1000 });
    const found = (await look(attestor, path, processIn(path, { [INIT]: path }, owners))) as Applies;
    expect(found.selectors.map(({ strength }) => strength)).toEqual(['claimed', 'claimed', 'claimed']);
  });

  it.each([
    ['of root’s engine', `/docker/${ID}`],
    ['of another user', path.replaceAll('1000', '1001')],
    ['in a folder that is only called like it', `/docker/x${path}`],
  ])('A13: is not even asked about a container %s', async (_what, elsewhere) => {
    const engine = await FakeEngine.start({ [ID]: web });
    const { attestor } = attestorOf(engine, { uid: 1000 });
    expect(await look(attestor, elsewhere, processIn(elsewhere, { [INIT]: elsewhere }))).toMatchObject({
      applies: false,
    });
    expect(engine.asked).toEqual([]);
  });

  it('A13: does not make a process one of root’s containers', async () => {
    const { attestor } = attestorOf(await FakeEngine.start({ [ID]: web }), { uid: 1000 });
    const process = processIn(path, { [INIT]: `/docker/${ID}` }, owners);
    await expect(look(attestor, path, process)).rejects.toThrow(/is not of the manager of uid 1000|not in/);
  });

  it('A13: is what root’s engine is not: that one says nothing below a user’s manager', async () => {
    const { attestor } = attestorOf(await FakeEngine.start({ [ID]: web }));
    await expect(look(attestor, path, processIn(path, { [INIT]: path }, owners))).rejects.toThrow(/own manager/);
  });
});
