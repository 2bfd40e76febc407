// SPDX-License-Identifier: Apache-2.0
/** What detectors found, over the wire, on a real store; and the report. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type AdminBench, adminBench, ROOT } from '../../support/admin-bench.ts';
import { tempDir } from '../../support/temp-dir.ts';

const dir = tempDir('admin-findings');
const REGISTRAR = { uid: 1001, pid: 8, sameNamespaces: true };
const MINE = 'spiffe://example.org/team-a/web';
let bench: AdminBench;

beforeAll(async () => {
  bench = await adminBench(dir, {
    roles: [{ role: 'registrar', uid: 1001, spiffeIdPrefix: 'spiffe://example.org/team-a/' }],
  });
  bench.caller = ROOT;
  await bench.call('CreateEntry', { entry: { id: 'mine', spiffe_id: MINE, selectors: ['unix:uid:1000'] } });
  for (const detector of ['static-secret', 'human-use'] as const) {
    const evidence = { names: ['A_TOKEN'] };
    await bench.rooms.store.findings.report({ detector, identity: MINE, evidence, key: {}, at: 5, count: 2 }, 'assay');
  }
});
beforeEach(() => {
  bench.caller = ROOT;
});
afterAll(() => bench.close());

describe('findings', () => {
  it('are listed newest first, and shown', async () => {
    const { findings } = await bench.call('ListFindings');
    expect(findings.map((one: { id: number }) => one.id)).toEqual([2, 1]);
    expect((await bench.call('ListFindings', { detector: 'human-use' })).findings).toHaveLength(1);
    expect((await bench.call('ListFindings', { identity: 'spiffe://example.org/else' })).findings).toEqual([]);
    const { finding } = await bench.call('GetFinding', { id: 1 });
    expect(finding).toMatchObject({
      detector: 'static-secret',
      identity: MINE,
      evidence: '{"names":["A_TOKEN"]}',
      count: 2,
      resolution: '',
    });
  });

  it('are read by a registrar, and not closed: not what was found of its own either (C1)', async () => {
    bench.caller = REGISTRAR;
    expect((await bench.call('GetFinding', { id: 1 })).finding.identity).toBe(MINE);
    expect((await bench.refused('CloseFinding', { id: 1, resolution: 'mine' })).reason).toBe('WRITE_NOT_ALLOWED');
  });

  it('are closed by whoever administers, for a reason', async () => {
    expect((await bench.refused('CloseFinding', { id: 1, resolution: ' ' })).field).toBe('resolution');
    const { finding } = await bench.call('CloseFinding', { id: 1, resolution: 'moved' });
    expect(finding).toMatchObject({ closed_by: 'uid:0', resolution: 'moved' });
    expect((await bench.call('ListFindings', { open: true })).findings).toHaveLength(1);
    expect((await bench.refused('CloseFinding', { id: 1, resolution: 'again' })).reason).toBe('FINDING_CLOSED');
  });

  it.each([
    ['GetFinding', { id: 99 }, 'FINDING_NOT_FOUND'],
    ['CloseFinding', { id: 99, resolution: 'x' }, 'FINDING_NOT_FOUND'],
    ['GetFinding', { id: -1 }, 'NUMBER_INVALID'],
    ['ListFindings', { detector: 'nobody' }, 'WORD_INVALID'],
    ['GetReport', { offenders: -1 }, 'NUMBER_INVALID'],
    ['GetReport', { offenders: 1_001 }, 'NUMBER_INVALID'],
  ])('I9: %s of %j is refused', async (rpc, request, reason) => {
    expect((await bench.refused(rpc, request)).reason).toBe(reason);
  });
});

it('the report is read by a registrar, with what misses its targets', async () => {
  bench.caller = REGISTRAR;
  const { metrics } = await bench.call('GetReport', { offenders: 5 });
  const metric = (id: string) => metrics.find((one: { id: string }) => one.id === id);
  expect(metric('answered-for')).toMatchObject({ value: 0, verdict: 'missed', offenders: [MINE] });
  expect(metric('findings-human-use')).toMatchObject({ value: 1, target: 'none', offenders: [`2 ${MINE}`] });
  expect(metric('bearer-share')).toMatchObject({ verdict: 'watch', target: '' });
});
