// SPDX-License-Identifier: Apache-2.0
/**
 * Our discovery document and key set, fetched and judged from outside as the verifiers of OpenID Connect do it. What does not
 * come is said once; what rests on it is left out.
 */
import type { SecureContext } from 'node:tls';
import { HttpsUrl } from '../lib/https-url.ts';
import { checkCertificate, checkForm, checkReachable, unanswered } from './answer-rules.ts';
import { checkDocument } from './document-rules.ts';
import { type Fetched, fetchPublic } from './fetch.ts';
import type { Finding } from './finding.ts';
import { checkIssuer, issuerUrl } from './issuer-rules.ts';
import { checkKeySet, checkOurKeys } from './keys-rules.ts';
import { checkCacheLife, checkTokenLife } from './lifetime-rules.ts';

/** What the daemon says of itself. */
export interface OurDiscovery {
  readonly issuer: string;
  /** The key set as the daemon serves it. */
  readonly keySet: string;
  readonly signingKid: string;
  readonly tokenTtlMs: number;
  readonly refreshHintSeconds: number;
}

export interface DiscoveryTools {
  /** Whom a verifier believes. */
  readonly context: SecureContext;
  /** They are of a file, and not those of the web. */
  readonly ownAuthorities: boolean;
  readonly now: () => number;
  readonly monotonic: () => number;
}

const WITHIN_MS = 10_000;

export async function checkDiscovery(ours: OurDiscovery, tools: DiscoveryTools): Promise<readonly Finding[]> {
  const { issuer } = ours;
  const first = [checkIssuer(issuer), checkTokenLife(ours.tokenTtlMs)];
  if (issuerUrl(issuer) === undefined) return first;
  const document = await ask('discovery', `${issuer}/.well-known/openid-configuration`, ['application/json'], tools);
  if (document.fetched === undefined) return [...first, ...document.findings];
  const certificate = checkCertificate(document.fetched, tools.now(), tools.ownAuthorities);
  const so = [...first, ...certificate, ...document.findings];
  if (document.text === undefined) return so;
  const said = checkDocument(document.text, issuer);
  if (said.jwksUri === undefined) return [...so, ...said.findings];
  const keys = await ask('keys', said.jwksUri, ['application/json', 'application/jwk-set+json'], tools);
  return [...so, ...said.findings, ...keys.findings, ...checkKeys(keys, ours, said.algorithms)];
}

function checkKeys({ text, fetched }: Answer, ours: OurDiscovery, algorithms: readonly string[]): readonly Finding[] {
  if (text === undefined) return [];
  const { findings, keys } = checkKeySet(text);
  const mine = checkKeySet(ours.keySet).keys;
  return [
    ...findings,
    ...checkOurKeys(keys, mine, ours.signingKid, algorithms),
    checkCacheLife(fetched?.cacheControl, ours.refreshHintSeconds),
  ];
}

interface Answer {
  readonly findings: readonly Finding[];
  readonly fetched?: Fetched;
  /** Undefined where its form is not one to read on. */
  readonly text?: string | undefined;
}

async function ask(what: string, address: string, types: readonly string[], tools: DiscoveryTools): Promise<Answer> {
  const url = HttpsUrl.parse(address);
  let fetched: Fetched;
  try {
    fetched = await fetchPublic(url, { ...tools, withinMs: WITHIN_MS });
  } catch (error) {
    return { findings: [unanswered(what, url, error)] };
  }
  const form = checkForm(what, url, fetched, types);
  const text = form.refusedBy === 'all' ? undefined : fetched.text;
  return { findings: [checkReachable(what, url, fetched), form], fetched, text };
}
