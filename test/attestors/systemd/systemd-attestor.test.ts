// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { attestorContract, madeUpProcess } from '../../../src/attestation/contract.ts';
import type { Applies, Attestor, CgroupMembership } from '../../../src/attestation/plugin.ts';
import { FakeManager } from '../../support/fake-manager.ts';
import { attestorOf, look, valuesOf } from '../../support/systemd-looks.ts';

const PAY = { id: 'payments.service', fragmentPath: '/etc/systemd/system/payments.service' };
const never = new AbortController().signal;

describe('the systemd attestor', () => {
  it('spells its selectors as SPIRE does, and vouches for them as an authority', async () => {
    const { attestor } = attestorOf(await FakeManager.start({ 7: PAY }));
    expect(await look(attestor, 7)).toEqual({
      applies: true,
      selectors: [
        { value: 'id:payments.service', strength: 'authority' },
        { value: 'fragment_path:/etc/systemd/system/payments.service', strength: 'authority' },
      ],
      facts: { unit: 'payments.service', fragment_path: PAY.fragmentPath },
      leftOut: [],
      restsOn: ['payments.service'],
    });
  });

  it('does not apply to a process outside any unit', async () => {
    const { attestor } = attestorOf(await FakeManager.start());
    expect(await look(attestor, 7)).toEqual({
      applies: false,
      reason: 'it is in no unit of the system manager',
      restsOn: [],
    });
  });

  it('does not apply to a process that stands in a slice itself, where somebody else has put it', async () => {
    const { attestor } = attestorOf(await FakeManager.start({ 7: { id: '-.slice' }, 8: { id: 'system.slice' } }));
    expect(await look(attestor, 7)).toMatchObject({
      applies: false,
      reason: expect.stringMatching(/the slice -\.slice/),
    });
    expect(await look(attestor, 8)).toMatchObject({ applies: false });
  });

  it('A10: says of a process of a user’s manager only which user’s it is', async () => {
    const user = { id: 'user@1000.service', fragmentPath: '/usr/lib/systemd/system/user@.service' };
    const { attestor } = attestorOf(await FakeManager.start({ 7: user }));
    expect(await valuesOf(attestor, 7)).toEqual([
      'id:user@1000.service',
      'fragment_path:/usr/lib/systemd/system/user@.service',
    ]);
  });

  it('A10: rests on no name in the cgroup tree', async () => {
    const forged: readonly CgroupMembership[] = [
      { hierarchy: 0, controllers: [], path: '/user.slice/payments.service' },
    ];
    const process = madeUpProcess({ pid: 7, cgroups: async () => forged });
    const manager = await FakeManager.start({ 7: { id: 'session-1.scope' } });
    const { attestor } = attestorOf(manager);
    expect(((await attestor.attest(process, never)) as Applies).selectors).toEqual([
      { value: 'id:session-1.scope', strength: 'authority' },
    ]);
    manager.units.delete(7);
    manager.removed('session-1.scope');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await attestor.attest(process, never)).toMatchObject({ applies: false });
  });

  it('A10: has moves of the process watched before it asks', async () => {
    const order: string[] = [];
    const manager = await FakeManager.start({ 7: PAY });
    manager.instead = (call) => {
      order.push('asked');
      return manager.error(call, 'org.freedesktop.systemd1.NoUnitForPID');
    };
    const cgroups = async (): Promise<readonly CgroupMembership[]> => {
      order.push('watched');
      return [];
    };
    await attestorOf(manager).attestor.attest(madeUpProcess({ pid: 7, cgroups }), never);
    expect(order).toEqual(['watched', 'asked']);
  });

  it('A10: leaves a unit file out that somebody else than root could change, with the reason', async () => {
    const distrust = (path: string): string | undefined => `"${path}" belongs to uid 7, who could change it`;
    const { attestor } = attestorOf(await FakeManager.start({ 7: PAY }), { distrust });
    expect(await look(attestor, 7)).toMatchObject({
      selectors: [{ value: 'id:payments.service' }],
      facts: { unit: 'payments.service' },
      leftOut: [{ kind: 'fragment_path', reason: `"${PAY.fragmentPath}" belongs to uid 7, who could change it` }],
    });
  });

  it.each([
    ['that has no file', '', 'the unit has no file'],
    ['whose file no entry could name', '/etc/a\nb', /no entry could name/],
  ])('leaves the file of a unit out %s', async (_what, fragmentPath, reason) => {
    const { attestor } = attestorOf(await FakeManager.start({ 7: { id: 'run-1.scope', fragmentPath } }));
    expect(await look(attestor, 7)).toMatchObject({
      leftOut: [{ kind: 'fragment_path', reason: typeof reason === 'string' ? reason : expect.stringMatching(reason) }],
    });
  });

  it('asks the manager once about a process, and once about its unit', async () => {
    const manager = await FakeManager.start({ 7: PAY, 8: PAY });
    const { attestor } = attestorOf(manager);
    const process = madeUpProcess({ pid: 7 });
    for (let looks = 0; looks < 3; looks += 1) await attestor.attest(process, never);
    await look(attestor, 8);
    expect(manager.calls.map((call) => call.split('.').at(-1))).toEqual([
      'Subscribe',
      'GetUnitByPID',
      'Get',
      'Get',
      'GetUnitByPID',
    ]);
  });

  it.each([
    [
      'an error that it does not know',
      'org.freedesktop.DBus.Error.AccessDenied',
      /error org\.freedesktop\.DBus\.Error\.AccessDenied/,
    ],
    ['an error that is none', 'a b\n', /error without a name/],
  ])('fails a look with %s', async (_what, name, message) => {
    const manager = await FakeManager.start({ 7: PAY });
    manager.instead = (call) => manager.error(call, name);
    await expect(look(attestorOf(manager).attestor, 7)).rejects.toMatchObject({
      name: 'AttestorError',
      message: expect.stringMatching(message),
    });
  });

  it.each(['', 'payments', '../payments.service', 'a b.service', 'x'.repeat(300), 'payments.service\n', 'ä.service'])(
    'A10: fails a look when the unit is called %j',
    async (id) => {
      const manager = await FakeManager.start({ 7: { id } });
      await expect(look(attestorOf(manager).attestor, 7)).rejects.toThrow(/not named|ends too early/);
    },
  );
});

describe('the systemd attestor, as an attestor,', () => {
  let manager: FakeManager;
  const make = async (): Promise<Attestor> => {
    manager = await FakeManager.start({ 7: PAY, 8: { id: 'orders.service' } });
    return attestorOf(manager).attestor;
  };
  const cases = attestorContract({
    make,
    applies: () => madeUpProcess({ pid: 7 }),
    another: () => madeUpProcess({ pid: 8 }),
    doesNotApply: () => madeUpProcess({ pid: 9 }),
    down: async () => {
      const down = await FakeManager.start({ 7: PAY });
      await down.drop();
      return attestorOf(down).attestor;
    },
    stuck: async () => {
      const stuck = await FakeManager.start({ 7: PAY });
      stuck.stuck = true;
      return attestorOf(stuck).attestor;
    },
    change: () => {
      manager.units.set(7, { id: 'ledger.service' });
      manager.removed('payments.service');
    },
  });
  for (const { title, run } of cases) it(title, run);
});
