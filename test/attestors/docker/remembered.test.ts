// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Remembered } from '../../../attestors/docker/remembered.ts';

interface Question {
  readonly key: string;
  answer(value: string, bytes?: number): void;
  fail(): void;
}

const roomy = { count: 100, bytes: 1_000 };

function remembered(bounds = { common: roomy, rare: roomy }) {
  const asked: Question[] = [];
  const ask = (key: string) =>
    new Promise<{ value: string; bytes: number }>((resolve, reject) =>
      asked.push({
        key,
        answer: (value, bytes = 1) => resolve({ value, bytes }),
        fail: () => reject(new Error('no answer')),
      }),
    );
  return { asked, it: new Remembered<string>(ask, bounds, (value) => value === 'rare') };
}

/** Asks and answers. */
async function learn({ asked, it }: ReturnType<typeof remembered>, key: string, value = 'v', bytes = 1): Promise<void> {
  const got = it.get(key);
  asked.at(-1)?.answer(value, bytes);
  await got;
}

describe('what was asked for', () => {
  it('is remembered while changes are told of, and not before', async () => {
    const room = remembered();
    await learn(room, 'a');
    room.it.believe(true);
    await learn(room, 'a', 'now');
    expect(await room.it.get('a')).toEqual({ value: 'now', remembered: true });
    expect(room.asked.length).toBe(2);
  });

  it('I1: is not kept when it was asked for before changes were told of', async () => {
    const { asked, it: room } = remembered();
    const early = room.get('a');
    room.believe(true);
    const late = room.get('a');
    asked[0]?.answer('before');
    asked[1]?.answer('after');
    expect([(await early).value, (await late).value, (await room.get('a')).value]).toEqual([
      'before',
      'after',
      'after',
    ]);
  });

  it('I1: is not kept when it changed meanwhile, and whoever comes after the change asks anew', async () => {
    const { asked, it: room } = remembered();
    room.believe(true);
    const early = room.get('a');
    room.forget('a');
    const late = room.get('a');
    asked[1]?.answer('after');
    expect((await late).value).toBe('after');
    asked[0]?.answer('before');
    expect((await early).value).toBe('before');
    expect(await room.get('a')).toEqual({ value: 'after', remembered: true });
  });

  it('I1: is not believed once nobody tells of changes', async () => {
    const room = remembered();
    room.it.believe(true);
    await learn(room, 'a');
    room.it.believe(false);
    await learn(room, 'a', 'new');
    await learn(room, 'a', 'newer');
    expect(room.asked.length).toBe(3);
  });

  it('is asked for again after a failure', async () => {
    const { asked, it: room } = remembered();
    room.believe(true);
    const failing = room.get('a');
    asked[0]?.fail();
    await expect(failing).rejects.toThrow('no answer');
    await learn({ asked, it: room }, 'a', 'at last');
    expect(await room.get('a')).toMatchObject({ value: 'at last', remembered: true });
  });

  it.each([
    ['in number', { count: 2, bytes: 1_000 }, 1],
    ['in bytes', { count: 100, bytes: 100 }, 50],
  ])('I9: is bounded %s; what nobody wanted longest goes', async (_how, common, bytes) => {
    const room = remembered({ common, rare: roomy });
    room.it.believe(true);
    await learn(room, 'a', 'v', bytes);
    await learn(room, 'b', 'v', bytes);
    await room.it.get('a');
    await learn(room, 'c', 'v', bytes);
    expect([await room.it.get('a'), await room.it.get('c')]).toMatchObject([
      { remembered: true },
      { remembered: true },
    ]);
    await learn(room, 'b');
    expect(room.asked.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'b']);
  });

  it('I9: is not pushed out by what is worth less', async () => {
    const room = remembered({ common: roomy, rare: { count: 1, bytes: 10 } });
    room.it.believe(true);
    await learn(room, 'a');
    for (const key of ['x', 'y', 'z']) await learn(room, key, 'rare');
    expect(await room.it.get('a')).toMatchObject({ remembered: true });
    expect(await room.it.get('z')).toMatchObject({ remembered: true });
    await learn(room, 'x', 'rare');
    expect(room.asked.length).toBe(5);
  });

  it('I9: is asked for of so many at once, and no more', async () => {
    const { it: room } = remembered();
    for (let i = 0; i < 256; i += 1) void room.get(`k${i}`);
    await expect(room.get('one more')).rejects.toThrow('more than 256 containers are asked about');
  });
});
