// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Granted, type RanTask, tighten } from '../../src/grants/tighten.ts';
import { isWithin, parseIntents } from '../../src/tasks/request.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const granted: Granted = {
  intents: ['crm:read', 'crm:write', 'payments:refund'],
  windowMs: 8 * HOUR,
  maxTaskTtlMs: HOUR,
  maxTasks: 10,
};
const ran = (change: Partial<RanTask> = {}): RanTask => ({
  intents: ['crm:read'],
  beganAt: 0,
  overAt: 5 * MINUTE,
  used: true,
  ...change,
});

describe('what is enough of a grant', () => {
  it('is nothing where no task was given a credential', () => {
    expect(tighten(granted, [])).toBeUndefined();
    expect(tighten(granted, [ran({ used: false })])).toBeUndefined();
  });

  it('leaves out what no task used, and names the one thing of what was used of one thing alone', () => {
    const tasks = [ran(), ran({ intents: ['payments:refund=order 7'], beganAt: HOUR, overAt: HOUR + 90_000 })];
    expect(tighten(granted, tasks)).toEqual({
      of: [
        { intent: 'crm:read', tasks: 1, instead: ['crm:read'] },
        { intent: 'crm:write', tasks: 0, instead: [] },
        { intent: 'payments:refund', tasks: 1, instead: ['payments:refund=order 7'] },
      ],
      intents: ['crm:read', 'payments:refund=order 7'],
      ...{ windowMs: HOUR + 2 * MINUTE, maxTaskTtlMs: 5 * MINUTE, maxTasks: 2, isLess: true },
    });
  });

  it('lists no more than three things of one intent', () => {
    const of = (count: number) => Array.from({ length: count }, (_, at) => ran({ intents: [`payments:refund=${at}`] }));
    expect(tighten(granted, of(3))?.intents).toHaveLength(3);
    expect(tighten(granted, of(4))?.intents).toEqual(['payments:refund']);
  });

  it('is all of it where all was used', () => {
    const all = Array.from({ length: 10 }, (_, at) =>
      ran({ intents: granted.intents, beganAt: (at * 7 * HOUR) / 9, overAt: (at * 7 * HOUR) / 9 + HOUR }),
    );
    expect(tighten(granted, all)).toMatchObject({ isLess: false, intents: granted.intents, maxTasks: 10 });
  });

  it('would have let begin every task that used something, and is never more than there was', () => {
    const things = fc.constantFrom('', '=1', '=2', '=3', '=4', '=5');
    const intent = fc.tuple(fc.constantFrom(...granted.intents), things).map(([one, thing]) => `${one}${thing}`);
    const task = fc.record({
      intents: fc.uniqueArray(intent, { minLength: 1, maxLength: 4 }),
      beganAt: fc.integer({ min: 0, max: 7 * HOUR }),
      lasted: fc.integer({ min: 0, max: HOUR }),
      used: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(task, { maxLength: 10 }), (drawn) => {
        const tasks = drawn.map(({ lasted, ...one }) => ({ ...one, overAt: one.beganAt + lasted }));
        const used = tasks.filter((one) => one.used);
        const tight = tighten(granted, tasks);
        expect(tight === undefined).toBe(used.length === 0);
        if (tight === undefined) return;
        const enough = parseIntents(tight.intents);
        for (const one of used) {
          expect(isWithin(parseIntents(one.intents), enough)).toBe(true);
          expect(one.overAt - one.beganAt).toBeLessThanOrEqual(tight.maxTaskTtlMs);
        }
        expect(isWithin(enough, parseIntents(granted.intents))).toBe(true);
        expect(tight.maxTasks).toBe(used.length);
        expect(tight.windowMs).toBeLessThanOrEqual(granted.windowMs);
      }),
    );
  });
});
