// SPDX-License-Identifier: Apache-2.0
/**
 * What somebody is asked to approve: every fact that the decision rests on, and no other. One table says of each member how it is
 * written in JSON, how it is called on the screen, and what it may be; what is signed, shown and read back all come of it.
 */
import { SpiffeId } from '../identity/spiffe-id.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import { type Field, field } from './fields.ts';
import type { KeyStrength } from './key-strength.ts';
import { choice, flag, named, opaque, orNone, set, text, time, whole, word } from './values.ts';

/** What is asked of one target. */
export interface RequestTarget {
  readonly name: string;
  readonly owner: string;
  readonly environment: string | null;
  readonly impact: 'low' | 'high';
  /** One of its intents cannot be taken back: under the agent's own uid only a strength of 3 counts (attack C3). */
  readonly irrevocable: boolean;
  /** Ascending, each once. */
  readonly intents: readonly string[];
}

/** Times are milliseconds UTC. */
export interface ApprovalRequest {
  readonly kind: 'task' | 'grant';
  readonly id: string;
  readonly identity: string;
  readonly targets: readonly RequestTarget[];
  readonly purpose: string;
  /** When all that is given by it ends. */
  readonly deadline: number;
  /** Of a task: what it belongs to. */
  readonly parent: string | null;
  readonly grant: string | null;
  /** Of a grant: since when, how many tasks, how long each in seconds, and whom they may delegate to. */
  readonly from: number | null;
  readonly mostTasks: number | null;
  readonly taskSeconds: number | null;
  readonly delegates: readonly string[];
  /** The human who asks, where it is one. */
  readonly requestedBy: string | null;
  /** The process that asks, of a task: the kernel's word. `started` is its start time in clock ticks since the boot. */
  readonly uid: number | null;
  readonly pid: number | null;
  readonly started: number | null;
  /** Selectors that nobody but the kernel, an authority or the launcher had a hand in. */
  readonly selectors: readonly string[];
  /** What the process had a hand in (attack A1): told as claimed. */
  readonly executable: string | null;
  readonly sha256: string | null;
  readonly secrets: 'found' | 'none-seen' | 'unreadable' | null;
  /** Detectors with an open finding about the identity. */
  readonly findings: readonly string[];
  readonly owner: string;
  readonly needCount: number;
  readonly needStrength: KeyStrength;
  readonly needOtherUid: boolean;
  /** Ids of the policies that ask for it. */
  readonly because: readonly string[];
  readonly policyHash: string;
  readonly trustDomain: string;
  /** Origin of the daemon's log: which daemon asks. */
  readonly log: string;
  /** 128 bits or more that were never used before, base64url. */
  readonly nonce: string;
  /** After this the request is over, and so are signatures under it. */
  readonly notAfter: number;
}

/** Attack C4. */
const FREE_TEXT = 200;
const LONGEST_PATH = 1_024;
/** A target and an action of 64 characters each, and what it is done to, in free text. */
const LONGEST_INTENT = 64 + 1 + 64 + 1 + FREE_TEXT;
const LAST_ID = 4_294_967_295;
const MOST_INTENTS = 32;
const MOST_NAMES = 32;
/** A pod with its labels has dozens. */
const MOST_SELECTORS = 128;
export const MOST_TARGETS = 8;
/** A year: no task is longer. */
const LONGEST_TASK = 31_536_000;
const MOST_PEOPLE = 16;

const id = word(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'no id');
const name = word(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'no name');
/** `payments:refund`, or `payments:refund=ticket 4711` on one thing: shown in ASCII. */
const intent = text(LONGEST_INTENT);
const selector = opaque(256);
const spiffeId = named((one, field) => SpiffeId.parseWorkload(one, field));
const sha256Hex = word(/^[0-9a-f]{64}$/, 'no SHA-256 in hexadecimal');
export const logOrigin = word(/^[\x21-\x2a\x2c-\x7e]{1,255}$/, 'no origin of a log in ASCII');
export const nonce = word(/^[A-Za-z0-9_-]{22,86}$/, 'no 128 bits in base64url');
export const trustDomain = named((one, at) => TrustDomain.parse(one, at));
/** In the words of whoever decides; most reject with one. */
export const reason = orNone(text(FREE_TEXT));
export const human = word(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'no name of a human');

export const TARGET_FIELDS: readonly Field[] = [
  field('name', 'name', 'target', name),
  field('impact', 'impact', '  impact', choice('low', 'high')),
  field('irrevocable', 'irrevocable', '  irrevocable', flag()),
  field('intents', 'intents', '  intents', set(intent, 1, MOST_INTENTS)),
  field('environment', 'environment', '  environment', orNone(text(64))),
  field('owner', 'owner', '  owner', text(FREE_TEXT)),
];

/** Before and behind the targets, in the order of the screen. */
export const HEAD_FIELDS: readonly Field[] = [
  field('kind', 'kind', 'of a', choice('task', 'grant')),
  field('id', 'id', 'request', id),
  field('identity', 'identity', 'identity', spiffeId),
];

export const TAIL_FIELDS: readonly Field[] = [
  field('purpose', 'purpose', 'purpose', text(FREE_TEXT)),
  field('deadline', 'deadline', 'ends', time()),
  field('parent', 'parent', 'parent task', orNone(id)),
  field('grant', 'grant', 'under grant', orNone(id)),
  field('from', 'from', 'begins', orNone(time())),
  field('mostTasks', 'most_tasks', 'tasks at most', orNone(whole(1, 1_000_000))),
  field('taskSeconds', 'task_seconds', 'seconds a task', orNone(whole(1, LONGEST_TASK))),
  field('delegates', 'delegates', 'may delegate to', set(spiffeId, 0, MOST_NAMES)),
  field('requestedBy', 'requested_by', 'asked by', orNone(human)),
  field('uid', 'uid', 'process uid', orNone(whole(0, LAST_ID))),
  field('pid', 'pid', 'process pid', orNone(whole(1, LAST_ID))),
  field('started', 'started', 'started, ticks', orNone(whole(0, Number.MAX_SAFE_INTEGER))),
  field('selectors', 'selectors', 'proven of it', set(selector, 0, MOST_SELECTORS)),
  field('executable', 'executable', 'program, claimed', orNone(opaque(LONGEST_PATH, '/'))),
  field('sha256', 'sha256', 'SHA-256, claimed', orNone(sha256Hex)),
  field('secrets', 'secrets', 'static secrets', orNone(choice('found', 'none-seen', 'unreadable'))),
  field('findings', 'findings', 'open findings', set(name, 0, MOST_NAMES)),
  field('owner', 'owner', 'identity owner', text(FREE_TEXT)),
  field('needCount', 'need_count', 'people needed', whole(1, MOST_PEOPLE)),
  field('needStrength', 'need_strength', 'strength needed', whole(1, 3)),
  field('needOtherUid', 'need_other_uid', 'other uid needed', flag()),
  field('because', 'because', 'because of policy', set(name, 0, MOST_NAMES)),
  field('policyHash', 'policy_hash', 'policies', sha256Hex),
  field('trustDomain', 'trust_domain', 'trust domain', trustDomain),
  field('log', 'log', 'daemon', logOrigin),
  field('nonce', 'nonce', 'nonce', nonce),
  field('notAfter', 'not_after', 'answer before', time()),
];
