// SPDX-License-Identifier: Apache-2.0
/** Findings on their way: written at once, then counted, then written once a minute. */
import { describe, expect, it } from '@jest/globals';
import { FindingReporter, WRITE_MS } from '../../src/detectors/reporter.ts';
import type { Found } from '../../src/detectors/rules.ts';
import { Failure } from '../../src/lib/failure.ts';
import type { FindingRecord, NewFinding } from '../../src/store/findings.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

function world() {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const written: NewFinding[] = [];
  const state = { fails: false };
  const report = async (finding: NewFinding): Promise<FindingRecord> => {
    if (state.fails) throw new Failure('unavailable', 'STORE_UNAVAILABLE', 'no');
    written.push(finding);
    return { ...finding, id: written.length } as unknown as FindingRecord;
  };
  return { clock, log, written, state, reporter: new FindingReporter({ findings: { report }, clock, log }) };
}

const found = (n = 0): Found => ({
  detector: 'static-secret',
  identity: `spiffe://td/${n}`,
  key: { names: ['A_TOKEN'] },
  evidence: { names: ['A_TOKEN'], pid: n },
});
const counts = (written: readonly NewFinding[]): readonly number[] => written.map(({ count }) => count);

describe('a finding', () => {
  it('is written at once, and told', async () => {
    const { clock, log, written, reporter } = world();
    reporter.report(found());
    await clock.advance(0);
    expect(counts(written)).toEqual([1]);
    expect(log.lines.map(({ message }) => message)).toEqual(['a finding was opened']);
    expect(JSON.stringify(log.lines)).not.toContain('A_TOKEN');
  });

  it('I9: that is seen ten thousand times in a minute is written twice, and nothing is lost', async () => {
    const { clock, written, reporter } = world();
    for (let n = 0; n < 10_000; n += 1) reporter.report(found());
    await clock.advance(WRITE_MS - 1);
    expect(counts(written)).toEqual([1]);
    await clock.advance(1);
    expect(counts(written)).toEqual([1, 9_999]);
    await clock.advance(WRITE_MS * 5);
    expect(counts(written)).toEqual([1, 9_999]);
  });

  it('is counted apart from another', async () => {
    const { clock, written, reporter } = world();
    for (const n of [1, 2, 1]) reporter.report(found(n));
    await clock.advance(WRITE_MS);
    expect(written.map(({ identity, count }) => [identity, count])).toEqual([
      ['spiffe://td/1', 1],
      ['spiffe://td/2', 1],
      ['spiffe://td/1', 1],
    ]);
  });

  it('I9: is counted in a bounded memory; what has to go is written first', async () => {
    const { clock, written, reporter } = world();
    reporter.report(found(0));
    reporter.report(found(0));
    for (let n = 1; n <= 10_000; n += 1) reporter.report(found(n));
    await clock.advance(0);
    expect(written.filter(({ identity }) => identity === 'spiffe://td/0')).toHaveLength(2);
    // Forgotten, so it is written at once.
    reporter.report(found(0));
    await clock.advance(0);
    expect(written.filter(({ identity }) => identity === 'spiffe://td/0')).toHaveLength(3);
  });

  it('that could not be written is tried again when it is seen again, and said once a second', async () => {
    const { clock, log, written, state, reporter } = world();
    state.fails = true;
    for (let n = 0; n < 5; n += 1) {
      reporter.report(found(n));
      await clock.advance(0);
    }
    expect(log.lines.map(({ message }) => message)).toEqual(['a finding was not written']);
    state.fails = false;
    reporter.report(found(0));
    await clock.advance(0);
    expect(counts(written)).toEqual([1]);
  });

  it('is written with its count at the end', async () => {
    const { written, reporter } = world();
    for (let n = 0; n < 4; n += 1) reporter.report(found());
    await reporter.close();
    expect(counts(written)).toEqual([1, 3]);
    reporter.report(found());
    expect(written).toHaveLength(2);
  });
});
