// SPDX-License-Identifier: Apache-2.0
/** The contract suite itself: an honest attestor passes, and each broken promise is found by the case that is about it. */
import { describe, expect, it } from '@jest/globals';
import { type AttestorUnderTest, attestorContract, madeUpProcess } from '../../src/attestation/contract.ts';
import type { Attestation, Attestor, FoundSelector, ProcessHandle } from '../../src/attestation/plugin.ts';

const team = (name: string): FoundSelector => ({ value: `team:${name}`, strength: 'authority' });

/** Knows the teams of some uids; as broken as a test makes it. */
class Teams implements Attestor {
  readonly name: string = 'teams';
  readonly kinds: Attestor['kinds'] = new Map([['team', 'authority']]);
  readonly teams = new Map([
    [1000, 'payments'],
    [1001, 'orders'],
  ]);
  readonly listeners = new Set<(ground?: string) => void>();

  async attest(process: ProcessHandle, signal: AbortSignal): Promise<Attestation> {
    signal.throwIfAborted();
    const name = this.teams.get(process.uid);
    if (name === undefined) return { applies: false, reason: 'no team has this uid', restsOn: ['teams'] };
    return { applies: true, selectors: [team(name)], facts: { name }, leftOut: [], restsOn: ['teams'] };
  }

  onChange(listener: (ground?: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  move(): void {
    this.teams.set(1000, 'ledger');
    for (const listener of this.listeners) listener('teams');
  }
}

function subject(make: () => Teams = () => new Teams()): AttestorUnderTest {
  let made: Teams | undefined;
  return {
    make: () => {
      made = make();
      return made;
    },
    applies: () => madeUpProcess({ uid: 1000 }),
    another: () => madeUpProcess({ uid: 1001, pid: 7 }),
    doesNotApply: () => madeUpProcess({ uid: 5 }),
    change: () => made?.move(),
    down: () =>
      Object.assign(make(), {
        attest: () => Promise.reject(new Error('the file of teams cannot be read')),
      }),
    stuck: () =>
      Object.assign(make(), {
        attest: (_process: ProcessHandle, signal: AbortSignal) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      }),
  };
}

const caseOf = (given: AttestorUnderTest, title: string) => {
  const found = attestorContract(given).find((one) => one.title.includes(title));
  if (found === undefined) throw new Error(`no case ${title}`);
  return found;
};

describe('the contract suite', () => {
  for (const { title, run } of attestorContract(subject())) it(`passes an honest attestor: ${title}`, run);

  it('has no case that needs what is not given', () => {
    const { make, applies } = subject();
    expect(attestorContract({ make, applies }).length).toBe(attestorContract(subject()).length - 5);
  });

  const answering = (change: object) => () =>
    Object.assign(new Teams(), {
      attest: async () => ({ applies: true, selectors: [team('a')], facts: {}, leftOut: [], ...change }),
    }) as Teams;
  const having = (change: object) => () => Object.assign(new Teams(), change) as Teams;

  it.each<[string, string, () => Teams]>([
    ['a name that is no selector type', 'has a name', having({ name: 'My-Teams' })],
    ['no kind', 'has a name', having({ kinds: new Map() })],
    ['a kind with a colon', 'has a name', having({ kinds: new Map([['a:b', 'claimed']]) })],
    ['a strength that there is not', 'has a name', having({ kinds: new Map([['team', 'sure']]) })],
    [
      'a kind that it did not declare',
      'what it declared',
      answering({ selectors: [{ value: 'uid:0', strength: 'claimed' }] }),
    ],
    ['a strength beyond', 'what it declared', answering({ selectors: [{ value: 'team:a', strength: 'kernel' }] })],
    ['no selector', 'what it declared', answering({ selectors: [] })],
    ['a selector twice', 'what it declared', answering({ selectors: [team('a'), team('a')] })],
    ['a control character', 'what it declared', answering({ selectors: [team('a\nb')] })],
    ['a selector too long', 'what it declared', answering({ selectors: [team('a'.repeat(3_000))] })],
    ['a fact that is deep', 'what it declared', answering({ facts: { a: { b: 1 } } })],
    ['no reason for what is left out', 'what it declared', answering({ leftOut: [{ kind: 'team', reason: '' }] })],
    [
      'a kind left out that is not its own',
      'what it declared',
      answering({ leftOut: [{ kind: 'x', reason: 'gone' }] }),
    ],
    ['a time that is none', 'what it declared', answering({ goodForMs: 0 })],
    ['grounds that nobody tells of', 'what it declared', having({ onChange: undefined })],
    ['no reason', 'why it does not apply', answering({ applies: false, reason: '' })],
    ['health in two sentences', 'how it stands', having({ health: () => ({ status: 'ok', text: 'all is well.' }) })],
  ])('finds %s', async (_what, title, make) => {
    await expect(caseOf(subject(make), title).run()).rejects.toMatchObject({ name: 'AssertionError' });
  });

  it('finds answers that change by themselves, and answers of another process', async () => {
    class Drifting extends Teams {
      #turn = 0;
      override async attest(): Promise<Attestation> {
        this.#turn += 1;
        return { applies: true, selectors: [team(String(this.#turn))], facts: {}, leftOut: [] };
      }
    }
    class Mixing extends Teams {
      #last = 0;
      override async attest(process: ProcessHandle, signal: AbortSignal): Promise<Attestation> {
        this.#last = process.uid;
        await new Promise((resolve) => setImmediate(resolve));
        return super.attest(madeUpProcess({ uid: this.#last }), signal);
      }
    }
    await expect(
      caseOf(
        subject(() => new Drifting()),
        'the same again',
      ).run(),
    ).rejects.toThrow();
    await expect(
      caseOf(
        subject(() => new Mixing()),
        'mixes up',
      ).run(),
    ).rejects.toThrow();
  });

  it('finds a lesser answer where the source is down or stuck', async () => {
    const lesser = { ...subject(), down: () => new Teams(), stuck: () => new Teams() };
    await expect(caseOf(lesser, 'source is down').run()).rejects.toThrow(/is down/);
    await expect(caseOf(lesser, 'is stuck').run()).rejects.toThrow(/never gave one/);
  });

  it('finds listeners that stay on the signal', async () => {
    class Clinging extends Teams {
      override attest(process: ProcessHandle, signal: AbortSignal): Promise<Attestation> {
        signal.addEventListener('abort', () => undefined);
        return super.attest(process, signal);
      }
    }
    await expect(
      caseOf(
        subject(() => new Clinging()),
        'leaves nothing',
      ).run(),
    ).rejects.toThrow(/stay after/);
  });

  it('finds a listener that is called after its undo', async () => {
    class Deaf extends Teams {
      override onChange(listener: (ground?: string) => void): () => void {
        super.onChange(listener);
        return () => undefined;
      }
    }
    await expect(
      caseOf(
        subject(() => new Deaf()),
        'change seen',
      ).run(),
    ).rejects.toThrow(/after its undo/);
  });
});
