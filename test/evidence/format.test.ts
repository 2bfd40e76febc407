// SPDX-License-Identifier: Apache-2.0
/** One evidence has one text: whatever is changed of it is seen. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Evidence, evidenceText, MOST_BYTES, readEvidence } from '../../src/evidence/format.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { logged, story } from '../support/evidence-story.ts';
import { refusalOf } from '../support/refusal.ts';

const sample = logged(story());
const text = evidenceText(sample);
const bytes = Buffer.from(text);

const holds = (file: Buffer): boolean => {
  let evidence: Evidence;
  try {
    evidence = readEvidence(file);
  } catch {
    return false;
  }
  return verifyEvidence(evidence, { logKey: undefined, humanKeys: new Map() }).faults.length === 0;
};

describe('the file of an evidence', () => {
  it('comes back as it was written', () => {
    expect(readEvidence(bytes)).toEqual(sample);
    expect(holds(bytes)).toBe(true);
  });

  it('C4: no bit of it can be another', () => {
    // Each byte, in one bit; and any byte made any other.
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = changed.readUInt8(at) ^ (1 << (at % 8));
      expect([at, holds(changed)]).toEqual([at, false]);
    }
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(bytes);
        changed[at] = changed.readUInt8(at) ^ by;
        return !holds(changed);
      }),
      { numRuns: 2_000 },
    );
  }, 120_000);

  it('C4: nothing can be cut off or put in', () => {
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 200 }), fc.nat({ max: 255 }), (at, length, byte) => {
        const cut = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + length)]);
        const more = Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)]);
        return !holds(cut) && !holds(more);
      }),
      { numRuns: 500 },
    );
  }, 120_000);

  it.each<[string, string, string]>([
    ['with a space', text.replace('"events":', '"events": '), 'it is not as this was written'],
    ['with a member that nobody reads', text.replace('{"events"', '{"a":1,"events"'), 'it is not as this was written'],
    ['without its line end', text.trimEnd(), 'it is not as this was written'],
    ['of another version', text.replace('"v":1', '"v":2'), 'it is of version 2'],
    ['of something else', text.replace('assay-evidence', 'other'), 'it does not say that it is'],
    ['with a number as text', text.replace(/"seq":(\d+)/, '"seq":"$1"'), 'seq is no whole number'],
    ['that is no object', '[]', 'the file is no object'],
    [
      'with something in place of a list',
      text.replace(/"policies":\[.*\],"task"/, '"policies":7,"task"'),
      'policies is no list',
    ],
    ['with something in place of a text', text.replace(/"task":"[^"]*","v"/, '"task":7,"v"'), 'task is no text'],
  ])('C4: is refused %s', (_, changed, why) => {
    expect(changed).not.toBe(text);
    const refused = refusalOf(() => readEvidence(Buffer.from(changed)));
    expect(refused).toMatchObject({ reason: 'EVIDENCE_INVALID', message: expect.stringContaining(why) });
  });

  it('is refused where it is no UTF-8', () => {
    const refused = refusalOf(() => readEvidence(Buffer.concat([bytes, Buffer.of(0xff)])));
    expect(refused.message).toContain('it is not text in UTF-8');
    expect(refusalOf(() => readEvidence(Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), bytes]))).reason).toBe(
      'JSON_INVALID',
    );
  });

  it('I9: is not read when it is too long', () => {
    expect(refusalOf(() => readEvidence(Buffer.alloc(MOST_BYTES + 1))).message).toContain('it is longer than');
  });

  it.each<[string, Partial<Evidence>, string]>([
    ['events', { events: sample.events.toReversed() }, 'its events are not in their order'],
    ['an event', { events: sample.events.flatMap((one) => [one, one]) }, 'its events are not in their order'],
    ['policies', { policies: [...sample.policies, ...sample.policies] }, 'its policies are not in their order'],
  ])('C4: has %s in one order, each once', (_, change, why) => {
    const refused = refusalOf(() => readEvidence(Buffer.from(evidenceText({ ...sample, ...change }))));
    expect(refused.message).toContain(why);
  });
});
