// SPDX-License-Identifier: Apache-2.0
/** What verifiers want of the key set (RFC 7517), and of the key that signs now. */
import type { KeyObject } from 'node:crypto';
import { readPublicJwk } from '../jwt/jwk.ts';
import { quote } from '../lib/failure.ts';
import { type JsonValue, parseJsonText } from '../lib/json-text.ts';
import { broken, type Finding, fine, type Verifier } from './finding.ts';

export interface PublicKey {
  readonly kid: string;
  readonly alg: string;
  readonly publicKey: KeyObject;
}

export interface KeyFindings {
  readonly findings: readonly Finding[];
  /** Those without fault. */
  readonly keys: readonly PublicKey[];
}

const RESTORE = 'let the daemon itself answer there: its document has it';

export function checkKeySet(text: string): KeyFindings {
  const items = read(text);
  if (items === undefined || items.length === 0) {
    const why = items === undefined ? 'it has no `keys` list, or names a member twice' : 'it holds no key';
    return { findings: [broken('key set', why, RESTORE)], keys: [] };
  }
  const members = items.map((item) => (item instanceof Map ? (item as Jwk) : new Map<string, JsonValue>()));
  const kids = members.map((jwk) => jwk.get('kid'));
  const materials = members.map(readPublicJwk);
  const faulty = materials.find((material) => typeof material === 'string');
  return {
    findings: [
      typeof faulty === 'string'
        ? broken('key set', `one of its keys is of no use: ${faulty}`, RESTORE)
        : fine('key set', `${items.length} ${items.length === 1 ? 'key' : 'keys'}`),
      every('kid', members, (kid) => typeof kid === 'string' && kid !== '', 'all'),
      new Set(kids).size === kids.length
        ? fine('kid unique', 'no two keys share one')
        : broken('kid unique', 'two keys share one', RESTORE),
      every('alg', members, (alg) => typeof alg === 'string' && alg !== '', 'all'),
      every('use', members, (use) => use === 'sig', ['azure']),
      members.some((jwk) => jwk.has('x5c') || jwk.has('x5t'))
        ? broken('x5c', 'a key comes with a certificate', RESTORE, ['gcp'])
        : fine('x5c', 'no key comes with a certificate'),
    ],
    keys: members.flatMap((jwk, at) => {
      const [kid, alg, publicKey] = [jwk.get('kid'), jwk.get('alg'), materials[at]];
      if (typeof kid !== 'string' || typeof alg !== 'string' || typeof publicKey !== 'object') return [];
      return [{ kid, alg, publicKey }];
    }),
  };
}

/** `ours`: the keys of our bundle; `signingKid` signs now. Every verifier has to find all of them, those to come as well (I6). */
export function checkOurKeys(
  found: readonly PublicKey[],
  ours: readonly PublicKey[],
  signingKid: string,
  algorithms: readonly string[],
): readonly Finding[] {
  const missing = ours.filter((key) => !found.some((one) => isSame(one, key)));
  const foreign = found.filter((one) => !ours.some((key) => isSame(one, key)));
  const late = 'a cache or another daemon answers; see who does, and that it keeps to Cache-Control';
  const signing = ours.find(({ kid }) => kid === signingKid);
  const alg = signing?.alg ?? '';
  return [
    missing.length === 0
      ? fine('our keys', `all ${ours.length} of our bundle are served`)
      : broken('our keys', `${kidsOf(missing)} of our bundle: not served`, late),
    foreign.length === 0
      ? fine('other keys', 'none is served that is not of our bundle')
      : broken('other keys', `${kidsOf(foreign)} served, and not of our bundle`, late),
    algorithms.includes(alg)
      ? fine('signing key', `${signingKid} signs with ${alg}, as the discovery document says`)
      : broken(
          'signing key',
          `${signingKid} signs with ${alg || 'nothing known'}, which the discovery document lacks`,
          late,
        ),
    checkAlgorithm(alg),
  ];
}

/**
 * AWS: RS and ES with 256, 384, 512 (STS, AssumeRoleWithWebIdentity). GCP: RS256 or ES256 (STS, token exchange). Azure: RSA alone,
 * AADSTS5002738 otherwise. Kubernetes and OpenBao take all nine where they are told to.
 */
const TAKES: readonly (readonly [Verifier, RegExp])[] = [
  ['aws', /^(?:RS|ES)/],
  ['gcp', /^(?:RS|ES)256$/],
  ['azure', /^RS256$/],
];

function checkAlgorithm(alg: string): Finding {
  const name = 'algorithm';
  const refusedBy = TAKES.filter(([, takes]) => !takes.test(alg)).map(([who]) => who);
  if (refusedBy.length === 0) return fine(name, `tokens are signed with ${alg}, which all verifiers take`);
  const change = 'for them set jwt.key_type to rsa-2048 and jwt.pss to false; the next key is one of that type';
  return broken(name, `tokens are signed with ${alg}`, change, refusedBy);
}

function isSame(a: PublicKey, b: PublicKey): boolean {
  return a.kid === b.kid && a.alg === b.alg && a.publicKey.equals(b.publicKey);
}

/** Of another's as well, who may call its keys what it likes. */
function kidsOf(keys: readonly PublicKey[]): string {
  return keys.length > 5 ? `${keys.length} keys` : keys.map(({ kid }) => quote(kid)).join(', ');
}

type Jwk = ReadonlyMap<string, JsonValue>;

function read(text: string): readonly JsonValue[] | undefined {
  try {
    const set = parseJsonText(text, 'keys');
    const keys: unknown = set instanceof Map ? set.get('keys') : undefined;
    return Array.isArray(keys) ? (keys as readonly JsonValue[]) : undefined;
  } catch {
    return undefined;
  }
}

function every(
  name: string,
  keys: readonly Jwk[],
  fits: (value: JsonValue | undefined) => boolean,
  refusedBy: Finding['refusedBy'],
): Finding {
  const without = keys.filter((jwk) => !fits(jwk.get(name))).length;
  if (without === 0) return fine(name, 'every key has it');
  return broken(name, `${without} of ${keys.length} keys: missing or wrong`, RESTORE, refusedBy);
}
