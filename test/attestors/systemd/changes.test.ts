// SPDX-License-Identifier: Apache-2.0
/** What the system manager tells of, and what it means that it is not heard. */
import { describe, expect, it } from '@jest/globals';
import type { Clock } from '../../../src/attestation/plugin.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { FakeManager, objectOf } from '../../support/fake-manager.ts';
import { until } from '../../support/fake-plugin.ts';
import { attestorOf, look, valuesOf } from '../../support/systemd-looks.ts';

const PAY = { id: 'payments.service', fragmentPath: '/etc/systemd/system/payments.service' };
const MOVED = { id: 'payments.service', fragmentPath: '/run/systemd/system/payments.service' };
const calls = (manager: FakeManager, member: string): number =>
  manager.calls.filter((call) => call.endsWith(`.${member}`)).length;

describe.each([
  ['itself', false],
  ['over a bus', true],
])('a system manager heard %s', (_how, isBus) => {
  it('tells of a unit that is removed, and what was known of it is forgotten', async () => {
    const manager = await FakeManager.start({ 7: PAY, 8: { id: 'orders.service' } }, isBus);
    const { attestor, told } = attestorOf(manager);
    await valuesOf(attestor, 7);
    told.length = 0;
    manager.units.set(7, MOVED);
    manager.removed('payments.service');
    await until(() => told.length > 0);
    expect(told).toEqual(['payments.service']);
    expect(await valuesOf(attestor, 7)).toContain(`fragment_path:${MOVED.fragmentPath}`);
  });

  it('tells of a reload as a change of everything', async () => {
    const manager = await FakeManager.start({ 7: PAY }, isBus);
    const { attestor, told } = attestorOf(manager);
    await valuesOf(attestor, 7);
    told.length = 0;
    manager.units.set(7, MOVED);
    manager.tell('Reloading');
    await until(() => told.length > 0);
    expect(told).toEqual(['all']);
    expect(await valuesOf(attestor, 7)).toContain(`fragment_path:${MOVED.fragmentPath}`);
  });

  it('I1: is not remembered by what it said before a change that came while it was asked', async () => {
    const manager = await FakeManager.start({ 7: PAY }, isBus);
    const { attestor, told } = attestorOf(manager);
    await valuesOf(attestor, 7);
    manager.removed('payments.service');
    await until(() => told.includes('payments.service'));
    manager.beforeProperty = () => manager.removed('payments.service');
    await valuesOf(attestor, 7);
    manager.beforeProperty = undefined;
    const before = calls(manager, 'Get');
    await valuesOf(attestor, 7);
    expect(calls(manager, 'Get')).toBe(before + 2);
  });

  it('I1: tells of a change of everything when it is heard again, and knows nothing of before', async () => {
    const manager = await FakeManager.start({ 7: PAY }, isBus);
    const { attestor, told, log } = attestorOf(manager);
    await valuesOf(attestor, 7);
    told.length = 0;
    await manager.drop();
    await until(() => attestor.health?.().status === 'fail');
    manager.units.set(7, MOVED);
    await manager.listen();
    await until(() => attestor.health?.().status === 'ok');
    expect(told).toContain('all');
    expect(await valuesOf(attestor, 7)).toContain(`fragment_path:${MOVED.fragmentPath}`);
    expect(log.lines.map(({ message }) => message)).toContain('the system manager is not heard');
  });

  it('I8: fails looks while it is not heard, and says so', async () => {
    const manager = await FakeManager.start({ 7: PAY }, isBus);
    const { attestor } = attestorOf(manager);
    await valuesOf(attestor, 7);
    await manager.drop();
    await until(() => attestor.health?.().status === 'fail');
    await expect(look(attestor, 7)).rejects.toThrow();
    expect(attestor.health?.().text).toMatch(/does not hear the system manager, so callers are refused/);
  });
});

describe('a system manager that is not heard', () => {
  it('I1: is told of as a change of everything after a second, so that nothing rests on it for long', async () => {
    const manager = await FakeManager.start({ 7: PAY });
    const timers: { ms: number; fn: () => void }[] = [];
    const clock: Clock = {
      ...systemClock,
      after: (ms, fn) => {
        timers.push({ ms, fn });
        return { cancel: () => undefined };
      },
    };
    const { attestor, told } = attestorOf(manager, { clock });
    await valuesOf(attestor, 7);
    told.length = 0;
    await manager.drop();
    await until(() => attestor.health?.().status === 'fail' && timers.some(({ ms }) => ms === 1_000));
    expect(told).toEqual([]);
    timers.find(({ ms }) => ms === 1_000)?.fn();
    expect(told).toEqual(['all']);
  });

  it('is tried again after a pause that grows', async () => {
    const manager = await FakeManager.start({ 7: PAY });
    await manager.drop();
    const pauses: { ms: number; fn: () => void }[] = [];
    const clock: Clock = {
      ...systemClock,
      after: (ms, fn) => {
        pauses.push({ ms, fn });
        return { cancel: () => undefined };
      },
    };
    attestorOf(manager, { clock });
    for (let tries = 1; tries <= 9; tries += 1) {
      await until(() => pauses.length === tries);
      pauses.at(-1)?.fn();
    }
    expect(pauses.slice(0, 9).map(({ ms }) => ms)).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  });
});

describe('signals over a bus', () => {
  it('A10: count only from the manager: anybody may send us one', async () => {
    const manager = await FakeManager.start({ 7: PAY }, true);
    const { attestor, told } = attestorOf(manager);
    await valuesOf(attestor, 7);
    told.length = 0;
    manager.tell('Reloading', [], ':1.66');
    manager.tell('UnitRemoved', [PAY.id, objectOf(PAY.id)], ':1.66');
    manager.tell('NameOwnerChanged', ['org.freedesktop.systemd1', ':1.3', ':1.66'], ':1.66');
    await valuesOf(attestor, 8).catch(() => undefined);
    expect(told).toEqual([]);
    expect(attestor.health?.().status).toBe('ok');
  });

  it('say when the manager is another one, and then it is asked anew who that is', async () => {
    const manager = await FakeManager.start({ 7: PAY }, true);
    const { attestor } = attestorOf(manager);
    await valuesOf(attestor, 7);
    manager.tell('NameOwnerChanged', ['org.freedesktop.systemd1', ':1.3', ':1.9'], 'org.freedesktop.DBus');
    await until(() => calls(manager, 'GetNameOwner') === 2);
    expect(await valuesOf(attestor, 7)).toContain('id:payments.service');
  });

  it('A10: are of no use when the name of the manager is not root’s, or not of the first process', async () => {
    for (const owner of [
      { uid: 1_000, pid: 1 },
      { uid: 0, pid: 77 },
    ]) {
      const manager = await FakeManager.start({ 7: PAY }, true);
      manager.owner = owner;
      const { attestor } = attestorOf(manager);
      await expect(look(attestor, 7)).rejects.toThrow(/not root’s|not the first process/);
      expect(calls(manager, 'GetUnitByPID')).toBe(0);
    }
  });
});
