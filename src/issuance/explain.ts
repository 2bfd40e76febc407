// SPDX-License-Identifier: Apache-2.0
/**
 * Why a process gets what it gets, and who gets an identity: the one path walked for an operator, up to the decision.
 * Nothing is minted, and the reason is the one that the caller itself would be given.
 */
import type { Attested, Examined } from '../attestation/attested.ts';
import type { Strength } from '../identity/strength.ts';
import type { Failure } from '../lib/failure.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Match, Refused } from '../registry/match.ts';
import type { EntryRecord, IdentityRecord } from '../store/records.ts';
import { noIdentity } from './refusal.ts';

export interface ExplainRooms {
  readonly peers: {
    /** Throws Failure `PROCESS_NOT_FOUND`. */
    examine(pid: number): { readonly process: ProcessHandle; ready(): Promise<void>; release(): void };
  };
  readonly attestation: {
    examine(process: ProcessHandle, signal: AbortSignal): Promise<readonly Examined[]>;
    readonly secretKinds: ReadonlySet<string>;
    readonly kinds: ReadonlyMap<string, ReadonlyMap<string, Strength>>;
  };
  readonly registry: {
    match(selectors: ReadonlyMap<string, Strength>, now: number): Match;
    nearest(selectors: ReadonlyMap<string, Strength>, most: number): Promise<readonly EntryRecord[]>;
    entriesOf(spiffeId: string): readonly EntryRecord[];
    identity(spiffeId: string): IdentityRecord | undefined;
    refusalsOf(entries: readonly EntryRecord[], now: number): readonly Refused[];
  };
  readonly standings: { holdersOf(entryId: string): readonly ProcessHandle[] };
  readonly now: () => number;
}

/** A selector as an operator may see it, and its strength. */
export interface ShownSelector {
  readonly selector: string;
  readonly strength: Strength;
}

export interface Lack {
  readonly selector: string;
  /** Of the same kind, what the process has instead. */
  readonly found: readonly string[];
  /** Why it has none of the kind. */
  readonly why: string | undefined;
}

export interface ProcessExplained {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** What keeps it from an identity; undefined when it gets one. */
  readonly refusal: Failure | undefined;
  readonly attestors: readonly AttestorSaid[];
  readonly matches: readonly { readonly entry: EntryRecord; readonly refused: Refused | undefined }[];
  readonly nearest: readonly { readonly entry: EntryRecord; readonly lacks: readonly Lack[] }[];
}

export interface AttestorSaid {
  readonly name: string;
  readonly tookMs: number;
  readonly outcome: 'applies' | 'does_not_apply' | 'failed';
  /** Why it does not apply, or failed. */
  readonly reason: string | undefined;
  readonly selectors: readonly ShownSelector[];
  readonly leftOut: readonly { readonly kind: string; readonly reason: string }[];
}

export interface IdentityExplained {
  readonly identity: IdentityRecord;
  readonly entries: readonly EntryExplained[];
}

export interface EntryExplained {
  readonly entry: EntryRecord;
  readonly selectors: readonly (ShownSelector | { readonly selector: string; readonly strength: undefined })[];
  readonly refused: Refused | undefined;
  /** Kinds that no attestor gives here, so that the entry can match nobody. */
  readonly unknownKinds: readonly string[];
  readonly holders: readonly ProcessHandle[];
}

const NEAREST = 5;

export class Explainer {
  readonly #rooms: ExplainRooms;

  constructor(rooms: ExplainRooms) {
    this.#rooms = rooms;
  }

  async process(pid: number): Promise<ProcessExplained> {
    const { peers, attestation, registry } = this.#rooms;
    const hold = peers.examine(pid);
    try {
      await hold.ready();
      const { process } = hold;
      const examined = await attestation.examine(process, AbortSignal.timeout(LONGEST_MS));
      const selectors = unionOf(examined);
      const match = registry.match(selectors, this.#rooms.now());
      const failure = examined.find((one) => 'failure' in one)?.failure;
      const granted = match.grants.length > 0;
      return {
        pid,
        uid: process.uid,
        gid: process.gid,
        // An attestor that failed fails the call, whatever the others found (never a lesser identity).
        refusal: failure ?? (granted ? undefined : noIdentity(process, match)),
        attestors: examined.map((one) => this.#said(one)),
        matches: this.#matches(match),
        nearest: (await registry.nearest(selectors, NEAREST)).map((entry) => ({
          entry,
          lacks: this.#lacks(entry, selectors, examined),
        })),
      };
    } finally {
      hold.release();
    }
  }

  /** Undefined when there is no such identity. */
  identity(spiffeId: string): IdentityExplained | undefined {
    const { registry, attestation, standings, now } = this.#rooms;
    const identity = registry.identity(spiffeId);
    if (identity === undefined) return undefined;
    const entries = registry.entriesOf(spiffeId).map((entry): EntryExplained => {
      const strength = (selector: string): Strength | undefined =>
        attestation.kinds.get(typeOf(selector))?.get(kindOf(selector).slice(typeOf(selector).length + 1));
      return {
        entry,
        selectors: entry.selectors.map((one) => ({ selector: this.shown(one), strength: strength(one) })),
        refused: registry.refusalsOf([entry], now())[0],
        unknownKinds: [...new Set(entry.selectors.filter((one) => strength(one) === undefined).map(kindOf))],
        holders: standings.holdersOf(entry.id),
      };
    });
    return { identity, entries };
  }

  /** A selector without what may be a secret in it: `docker:env:PASSWORD=[redacted]`. */
  shown(selector: string): string {
    const kind = kindOf(selector);
    // guard: I10 test/issuance/explain.test.ts
    if (this.#rooms.attestation.secretKinds.has(kind)) return redacted(selector, kind);
    return selector;
  }

  #said(one: Examined): AttestorSaid {
    const { attestor: name, tookMs } = one;
    const nothing = { selectors: [], leftOut: [] };
    if ('failure' in one) {
      const { message, hint } = one.failure;
      return { name, tookMs, outcome: 'failed', reason: hint ?? message, ...nothing };
    }
    const { attested } = one;
    const [note] = attested.notes;
    if (attested.facts[name] === undefined) {
      return { name, tookMs, outcome: 'does_not_apply', reason: note?.reason, ...nothing };
    }
    const selectors = [...attested.selectors].map(([text, strength]) => ({ selector: this.shown(text), strength }));
    const leftOut = attested.notes.map(({ kind = '', reason }) => ({ kind, reason }));
    return { name, tookMs, outcome: 'applies', reason: undefined, selectors, leftOut };
  }

  #matches(match: Match): ProcessExplained['matches'] {
    const granted = match.grants.map(({ entry }) => ({ entry, refused: undefined }));
    const entryOf = (refused: Refused): EntryRecord | undefined =>
      this.#rooms.registry.entriesOf(refused.spiffeId).find(({ id }) => id === refused.entryId);
    const refused = match.refused.flatMap((one) => {
      const entry = entryOf(one);
      return entry === undefined ? [] : [{ entry, refused: one }];
    });
    return [...granted, ...refused];
  }

  #lacks(entry: EntryRecord, has: ReadonlyMap<string, Strength>, examined: readonly Examined[]): Lack[] {
    return entry.selectors
      .filter((selector) => !has.has(selector))
      .map((selector) => {
        const kind = kindOf(selector);
        const found = [...has.keys()].filter((one) => kindOf(one) === kind).map((one) => this.shown(one));
        return { selector: this.shown(selector), found, why: found.length > 0 ? undefined : whyNone(kind, examined) };
      });
  }
}

/** An operator waits no longer than the admin client does. */
const LONGEST_MS = 25_000;

function unionOf(examined: readonly Examined[]): Map<string, Strength> {
  const all = examined.flatMap((one) => ('attested' in one ? [...one.attested.selectors] : []));
  return new Map(all);
}

function whyNone(kind: string, examined: readonly Examined[]): string {
  const one = examined.find(({ attestor }) => attestor === typeOf(kind));
  if (one === undefined) return `no attestor ${typeOf(kind)} runs here`;
  if ('failure' in one) return one.failure.hint ?? one.failure.message;
  return noteOn(kind, one.attested) ?? `${typeOf(kind)} found nothing of this kind`;
}

function noteOn(kind: string, { notes }: Attested): string | undefined {
  return notes.find((note) => note.kind === undefined || `${note.attestor}:${note.kind}` === kind)?.reason;
}

const typeOf = (selector: string): string => selector.slice(0, selector.indexOf(':'));

/** `unix:uid` of `unix:uid:1000`. */
function kindOf(selector: string): string {
  return selector.split(':', 2).join(':');
}

function redacted(selector: string, kind: string): string {
  const rest = selector.slice(kind.length + 1);
  const equals = rest.indexOf('=');
  return `${kind}:${equals < 0 ? '' : rest.slice(0, equals + 1)}[redacted]`;
}
