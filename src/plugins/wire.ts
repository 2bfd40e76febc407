// SPDX-License-Identifier: Apache-2.0
/**
 * `proto/assay/plugin/v1/attestor.proto` as TypeScript sees it with the options of `api/proto.ts`, and its turning into the
 * plugin contract and back. Nothing is judged here but what the wire alone can say; `answer.ts` judges the rest.
 */
import type { ProcessHandle, Strength } from '../attestation/plugin.ts';
import { Failure } from '../lib/failure.ts';
import type { Declared } from './third-party.ts';

interface WireSelector {
  readonly value: string;
  readonly strength: string;
}

export interface WireConfigured {
  readonly kinds: readonly { readonly name: string; readonly strength: string; readonly secret: boolean }[];
  readonly wants_pidfd: boolean;
  readonly tells_changes: boolean;
}

export interface WireAnswer {
  readonly answer?: 'applies' | 'does_not_apply';
  readonly applies?: {
    readonly selectors: readonly WireSelector[];
    readonly facts: readonly { readonly name: string; readonly value: string }[];
    readonly left_out: readonly { readonly kind: string; readonly reason: string }[];
  } | null;
  readonly does_not_apply?: { readonly reason: string } | null;
  readonly rests_on: readonly string[];
  readonly good_for_ms?: number;
}

export interface WireChanges {
  readonly grounds: readonly string[];
  readonly everything: boolean;
}

export interface Configured extends Declared {
  readonly wantsPidfd: boolean;
  readonly tellsChanges: boolean;
}

/** Anything else stays what it is, and is refused where it is judged. */
const STRENGTHS: ReadonlyMap<string, Strength> = new Map([
  ['STRENGTH_AUTHORITY', 'authority'],
  ['STRENGTH_CLAIMED', 'claimed'],
]);

export function toConfigured(message: WireConfigured): Configured {
  checkText(message);
  return {
    kinds: new Map(
      message.kinds.map(({ name, strength }) => [name, (STRENGTHS.get(strength) ?? strength) as Strength]),
    ),
    secretKinds: new Set(message.kinds.filter(({ secret }) => secret).map(({ name }) => name)),
    wantsPidfd: message.wants_pidfd,
    tellsChanges: message.tells_changes,
  };
}

export async function toRequest(process: ProcessHandle, everything: boolean, ticket: bigint): Promise<object> {
  const [{ groups }, cgroups] = await Promise.all([process.status(), process.cgroups()]);
  const { pid, uid, gid, startTime } = process;
  const asked = { pid, uid, gid, groups, start_time: String(startTime), cgroups, pidfd_ticket: String(ticket) };
  return { process: asked, everything };
}

/** What `readAnswer` takes. */
export function toAnswer(message: WireAnswer, { kinds, tellsChanges }: Configured): unknown {
  checkText(message);
  const { answer, applies, does_not_apply, rests_on, good_for_ms } = message;
  if (rests_on.length > 0 && !tellsChanges) throw invalid('rests on something, and tells of no changes');
  const grounds = {
    ...(tellsChanges ? { restsOn: rests_on } : {}),
    ...(good_for_ms ? { goodForMs: good_for_ms } : {}),
  };
  if (answer === 'does_not_apply') return { applies: false, reason: does_not_apply?.reason, ...grounds };
  if (answer !== 'applies') return undefined;
  const { selectors = [], facts = [], left_out = [] } = applies ?? {};
  return {
    applies: true,
    selectors: selectors.map(({ value, strength }) => ({ value, strength: strengthOf(value, strength, kinds) })),
    // guard: B7 test/plugins/wire.test.ts — names come from outside
    facts: Object.assign(Object.create(null), Object.fromEntries(facts.map(({ name, value }) => [name, value]))),
    leftOut: left_out,
    ...grounds,
  };
}

function strengthOf(value: string, strength: string, kinds: Declared['kinds']): unknown {
  if (strength !== 'STRENGTH_UNSPECIFIED') return STRENGTHS.get(strength) ?? strength;
  return kinds.get(value.slice(0, value.indexOf(':'))) ?? 'claimed';
}

/** Bytes that are no UTF-8 were decoded to U+FFFD, which honest text does not hold: two of them would read alike. */
function checkText(message: object): void {
  // guard: A13 test/plugins/wire.test.ts
  if (JSON.stringify(message).includes('\ufffd')) throw invalid('holds text that is not UTF-8');
}

function invalid(why: string): Failure {
  return new Failure('unavailable', 'PLUGIN_ANSWER', `the answer of the plugin ${why}`, {
    hint: 'correct the plugin; docs/plugins.md has the bounds',
  });
}
