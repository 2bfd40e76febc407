// SPDX-License-Identifier: Apache-2.0
/** Sets of policies on a real store: applied, tried, taken back, restored; a bad one changes nothing. */
import { runInThisContext } from 'node:vm';
import { afterEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { PolicySets } from '../../src/registry/policy-sets.ts';
import type { Store } from '../../src/store/store.ts';
import { ask, crm, NOW, SITE } from '../policy/support.ts';
import { openStore } from '../store/opened.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { OPERATOR } from '../support/lone.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('policy-sets');
const clock = new FakeClock();
let count = 0;
let opened: PolicySets[] = [];

function nextDir(): string {
  count += 1;
  return `${top}/${count}`;
}

async function world(dataDir = nextDir()) {
  const store = await openStore(dataDir);
  const sets = await open(store);
  return { dataDir, store, sets };
}

async function open(store: Store): Promise<PolicySets> {
  const sets = await PolicySets.open({ store, clock, log: new RecordingLogger() });
  opened.push(sets);
  return sets;
}

afterEach(() => {
  for (const sets of opened) sets.close();
  opened = [];
});

const read = ask(crm, 'crm:read', { at: NOW });
const broken = [
  {
    name: 'a.cedar',
    text: '@id("a") @reason("r") permit (principal is Identity, action, resource) when { principal.knid == "x" };',
  },
];
const bare: typeof SITE = [];

describe('policies', () => {
  it('decide from the moment they are stored, and after a restart', async () => {
    const { dataDir, store, sets } = await world();
    expect(sets.engine.decide(read).outcome).toBe('deny');
    let during = '';
    store.onChanges(() => {
      during = sets.engine.decide(read).outcome;
    });
    const record = await sets.apply(SITE, OPERATOR);
    expect(during).toBe('allow');
    expect(record).toMatchObject({ mode: 'live', loadedBy: 'uid:0', hash: sets.engine.policyHash });
    await store.close();
    const again = await world(dataDir);
    expect(again.sets.engine.decide(read)).toMatchObject({ outcome: 'allow', policyHash: record.hash });
    expect(again.store.audit.events({ kind: 'policy.' }, { limit: 9 }).rows).toHaveLength(1);
  });

  it('I8: that are refused leave what decides, and turn health yellow until others are applied', async () => {
    const { store, sets } = await world();
    await sets.apply(SITE, OPERATOR);
    expect(sets.health()).toMatchObject({ status: 'ok' });
    expect((await refusalOfAsync(() => sets.apply(broken, OPERATOR))).reason).toBe('POLICY_INVALID');
    expect(sets.engine.decide(read).outcome).toBe('allow');
    expect(sets.health()).toMatchObject({ status: 'warn', text: expect.stringContaining('decides still') });
    expect(store.policies.list({ limit: 9 }).rows).toHaveLength(1);
    await sets.apply(bare, OPERATOR);
    expect(sets.health()).toMatchObject({ status: 'ok' });
  });

  it('load nothing of Cedar until the first are there', async () => {
    let compiled = 0;
    // Of Node itself, where packages are compiled, not of this test.
    const wasm = runInThisContext('WebAssembly') as { Module: new (bytes: Uint8Array) => object };
    const { Module } = wasm;
    wasm.Module = class extends Module {
      constructor(bytes: Uint8Array) {
        super(bytes);
        compiled += 1;
      }
    };
    try {
      const { sets } = await world();
      expect(sets.engine.decide(read).outcome).toBe('deny');
      expect(compiled).toBe(0);
      await sets.apply(SITE, OPERATOR);
      expect(compiled).toBe(1);
    } finally {
      wasm.Module = Module;
    }
  });

  it('that are live already are not applied again', async () => {
    const { sets } = await world();
    await sets.apply(SITE, OPERATOR);
    expect((await refusalOfAsync(() => sets.apply([...SITE].reverse(), OPERATOR))).reason).toBe('POLICY_IS_LIVE');
  });

  it('are taken back to those before, or to any that were live', async () => {
    const { sets } = await world();
    const first = await sets.apply(SITE, OPERATOR);
    expect((await refusalOfAsync(() => sets.rollback(undefined, OPERATOR))).reason).toBe('POLICY_NOT_FOUND');
    const second = await sets.apply(bare, OPERATOR);
    expect(sets.engine.decide(read).outcome).toBe('deny');
    expect((await sets.rollback(undefined, OPERATOR)).hash).toBe(first.hash);
    expect(sets.engine.decide(read).outcome).toBe('allow');
    expect((await sets.rollback(second.hash, OPERATOR)).hash).toBe(second.hash);
    expect((await refusalOfAsync(() => sets.rollback('00', OPERATOR))).reason).toBe('POLICY_NOT_FOUND');
  });

  it('C1: that were only tried cannot be had by going back', async () => {
    const { sets } = await world();
    await sets.apply(bare, OPERATOR);
    const tried = await sets.tryBeside(SITE, OPERATOR);
    await sets.endTrial(OPERATOR);
    expect((await refusalOfAsync(() => sets.rollback(tried.hash, OPERATOR))).reason).toBe('POLICY_NOT_FOUND');
  });

  it('are tried beside those that decide, also after a restart', async () => {
    const { dataDir, store, sets } = await world();
    await sets.apply(bare, OPERATOR);
    await sets.tryBeside(SITE, OPERATOR);
    expect(sets.engine.decide(read).outcome).toBe('deny');
    expect(sets.engine.tally).toMatchObject({ compared: 1, differed: 1 });
    await store.close();
    const again = await world(dataDir);
    expect(again.sets.engine.decide(read).outcome).toBe('deny');
    expect(again.sets.engine.tally).toMatchObject({ differed: 1 });
    await again.sets.apply(SITE, OPERATOR);
    expect(again.sets.engine.shadow).toBeUndefined();
    expect(again.sets.engine.decide(read).outcome).toBe('allow');
  });

  it('I8: that no longer load after a restart deny everything, and say so', async () => {
    const { dataDir, store, sets } = await world();
    await sets.apply(SITE, OPERATOR);
    await store.close();
    const db = new Database(`${dataDir}/assay.db`);
    db.exec(
      `DROP TRIGGER policy_set_text; UPDATE policy_set SET text = replace(text, 'principal.kind', 'principal.knid')`,
    );
    db.close();
    const again = await world(dataDir);
    expect(again.sets.engine.decide(read)).toMatchObject({ outcome: 'deny', reasons: [{ policyId: 'default' }] });
    expect(again.sets.health()).toMatchObject({ status: 'warn', text: expect.stringContaining('none decides') });
  });

  it('stored with the guardrails of another release come with those of this, as another set', async () => {
    const { dataDir, store, sets } = await world();
    const record = await sets.apply(SITE, OPERATOR);
    await store.close();
    const db = new Database(`${dataDir}/assay.db`);
    db.exec(`DROP TRIGGER policy_set_text; UPDATE policy_set SET hash = '${'0'.repeat(64)}'`);
    db.close();
    const again = await world(dataDir);
    expect(again.sets.engine.policyHash).toBe(record.hash);
    expect(again.store.policies.live()).toMatchObject({ hash: record.hash, loadedBy: 'assay' });
    expect(again.store.audit.events({ kind: 'policy.reload' }, { limit: 9 }).rows).toHaveLength(1);
  });
});
