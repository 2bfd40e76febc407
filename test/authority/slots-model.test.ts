// SPDX-License-Identifier: Apache-2.0
/**
 * The slots as a state machine under random time, issuing, operators, taints, failing disks, lost keys and crashes before and
 * after any write: whatever happens, what BUN-03, BUN-18, BUN-19 and I6 promise holds after each step.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HOUR, MINUTE } from '../support/authority.ts';
import { type Dying, World } from '../support/authority-world.ts';

type Command = readonly [name: string, run: (world: World) => unknown];

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .integer({ min: 0, max: 9 * 60 })
      .map((minutes): Command => [`${minutes} min pass`, (w) => w.advance(minutes * MINUTE)]),
  },
  { weight: 10, arbitrary: fc.constant<Command>(['issue', (w) => w.run((a) => w.issue(a))]) },
  { weight: 1, arbitrary: fc.constant<Command>(['prepare', (w) => w.run((a) => a.prepare('uid:0'))]) },
  {
    weight: 1,
    arbitrary: fc.boolean().map((now): Command => [`activate ${now}`, (w) => w.activate(now)]),
  },
  { weight: 2, arbitrary: fc.nat(3).map((i): Command => [`taint number ${i}`, (w) => w.taint(i)]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.nat(3), fc.boolean())
      .map(([i, force]): Command => [`revoke number ${i}${force ? ' by force' : ''}`, (w) => w.revoke(i, force)]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('keys kept', 'keys kept', 'keys lost'), fc.constantFrom(24 * HOUR, HOUR, 6 * HOUR))
      .map(
        ([how, ttl]): Command => [`restart, ${how}, ca.ttl ${ttl / HOUR}h`, (w) => w.restart(how as 'keys kept', ttl)],
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<Dying>('before', 'after')
      .map((when): Command => [`die ${when} the next write`, (w) => w.die(when)]),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map(
      (full): Command => [
        full ? 'disk full' : 'disk free',
        (w) => {
          w.store.failure = full ? new Error('disk full') : undefined;
        },
      ],
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 48 })
      .map((hours): Command => [`jump ${hours} h ahead`, (w) => w.jump(hours * HOUR)]),
  },
);

describe('the slots, whatever happens', () => {
  it('keep BUN-03, BUN-18, BUN-19 and I6', async () => {
    let signed = 0;
    let steps = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 60, size: 'max' }), async (commands) => {
        const world = new World();
        await world.start();
        for (const [, run] of commands) {
          await run(world);
          await world.check();
        }
        await world.stop();
        signed += world.signed;
        steps += world.steps;
      }),
      { numRuns: 40 },
    );
    // The walk went somewhere.
    expect(signed).toBeGreaterThan(100);
    expect(steps).toBeGreaterThan(200);
  });
});
