// SPDX-License-Identifier: Apache-2.0
/**
 * The SPIFFE bundle map: bundles of several trust domains in one document, each under its name (SPIFFE Trust Domain and Bundle,
 * section 5). It is the state of the world for whoever takes it in (Appendix B), so it is read whole or refused.
 *
 * Reading is that of a single document for each bundle; a name that is there twice has been refused by the JSON reader
 * (section 6.3), also when one of them is written with escapes.
 */
import { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import { type JsonValue, parseJsonText } from '../lib/json-text.ts';
import type { BundleContent } from '../store/records.ts';
import { readSpiffeBundle, renderSpiffeBundle, type WrittenBundle } from './document.ts';

/** Characters; as much as a request to the admin socket holds. */
const LARGEST_MAP = 1024 * 1024;
/** Characters; half of what the command line takes for an answer. */
const LARGEST_WRITTEN = 8 * 1024 * 1024;
/** Bundles written before others get a turn: less than a millisecond with a root each. */
const SLICE = 8;

/** By bare name, in the order given. */
export function readBundleMap(text: string, field = 'bundle map'): ReadonlyMap<string, BundleContent> {
  // guard: I9 test/bundle/map.test.ts
  if (text.length > LARGEST_MAP) throw refused(field, `it is larger than ${LARGEST_MAP} bytes`);
  const document = parseJsonText(text, field);
  if (!(document instanceof Map)) throw refused(field, 'it is not a JSON object');
  const members: unknown = document.get('trust_domains');
  // guard: BUN-14 test/bundle/map.test.ts — it may be empty, and not be missing
  if (!(members instanceof Map)) throw refused(field, 'it has no `trust_domains` object');
  const bundles = new Map<string, BundleContent>();
  for (const [name, bundle] of members as ReadonlyMap<string, JsonValue>) {
    // What Go clients cannot read as a host must not get into their bundles (CLI-09).
    // guard: BUN-14 test/bundle/map.test.ts
    TrustDomain.parseOwn(name, 'trust_domains');
    const read = readSpiffeBundle(bundle, `trust_domains["${name}"]`);
    let hint = read.refreshHintSeconds ?? null;
    // guard: BUN-16 test/bundle/map.test.ts — no inner hint is kept, so that none sets a pace, now or later
    hint = null;
    const { certificates, jwtKeys, sequence = null } = read;
    bundles.set(name, { certificates, jwtKeys, sequence, refreshHintSeconds: hint });
  }
  return bundles;
}

/** By name, without inner hints. Takes its time in slices; what it writes is what it was given when called. */
export async function renderBundleMap(
  bundles: Iterable<readonly [trustDomain: string, bundle: WrittenBundle]>,
): Promise<string> {
  const inOrder = [...bundles].sort(([a], [b]) => (a < b ? -1 : 1));
  // guard: BUN-15 test/bundle/map.test.ts
  if (new Set(inOrder.map(([name]) => name)).size < inOrder.length) throw twoOfOneName();
  const members: string[] = [];
  let length = 0;
  for (const [at, [name, bundle]] of inOrder.entries()) {
    if (at % SLICE === SLICE - 1) await new Promise((resolve) => setImmediate(resolve));
    let inner = bundle;
    // guard: BUN-16 test/bundle/map.test.ts
    inner = { ...bundle, refreshHintSeconds: null };
    const member = `${JSON.stringify(name)}:${renderSpiffeBundle(inner).trimEnd()}`;
    length += member.length;
    // guard: I9 test/bundle/map.test.ts
    if (length > LARGEST_WRITTEN) throw tooLarge();
    members.push(member);
  }
  return `{"trust_domains":{${members.join(',')}}}
`;
}

function refused(field: string, reason: string): Failure {
  return new Failure('invalid-argument', 'BUNDLE_INVALID', `${field} is refused: ${reason}`, {
    field,
    hint: 'give a SPIFFE bundle map: {"trust_domains": {"partner.example": {"keys": [...]}}}',
  });
}

function twoOfOneName(): Failure {
  return new Failure('internal', 'BUNDLE_MAP_UNPUBLISHABLE', 'two bundles of the map have one trust domain');
}

function tooLarge(): Failure {
  return new Failure(
    'resource-exhausted',
    'LIMIT_REACHED',
    `the bundle map is refused: it would be larger than ${LARGEST_WRITTEN} bytes`,
    { hint: 'print the documents one by one: assay bundle show TRUST_DOMAIN --format spiffe' },
  );
}
