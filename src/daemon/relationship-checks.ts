// SPDX-License-Identifier: Apache-2.0
/** What `assay doctor federation` says of each relationship: one line for each thing that can go wrong with it. */
import type { Federation, RelationshipView } from '../federation/federation.ts';
import { pollIntervalMs, WITHOUT_HINT_MS } from '../federation/schedule.ts';
import { formatDuration } from '../lib/duration.ts';
import { Failure } from '../lib/failure.ts';
import type { BundleRecord } from '../store/records.ts';
import type { Check } from '../telemetry/check.ts';

/** A new key is announced for five hints (SPIFFE Federation; FED-28): after as many the other side may sign with one unknown here. */
const HINTS_PER_LEAD = 5;

type Bundle = Pick<BundleRecord, 'sequence' | 'refreshHintSeconds' | 'updatedAt' | 'certificates' | 'jwtKeys'>;

export function relationshipChecks(
  federation: Pick<Federation, 'all'>,
  bundles: { foreignBundle(trustDomain: string): Bundle | undefined },
  now: number,
): readonly Check[] {
  return federation.all().flatMap((view) => {
    const bundle = bundles.foreignBundle(view.trustDomain);
    return [reachable(view), profile(view), age(view, bundle, now), sequence(view, bundle), content(view, bundle)];
  });
}

/** What the endpoint itself is at fault of, and no wire or name server. */
const UNPROVEN: ReadonlySet<string> = new Set([
  'FEDERATION_ENDPOINT_UNTRUSTED',
  'FEDERATION_BUNDLE_MISSING',
  'WEB_ROOTS_MISSING',
]);

function reachable({ trustDomain, url, error, failures, lastAttemptAt }: RelationshipView): Check {
  const name = `${trustDomain} reachable`;
  if (lastAttemptAt === undefined)
    return { name, status: 'warn', text: `${url} has not been asked yet`, hint: refresh(trustDomain) };
  if (error === undefined) return { name, status: 'ok', text: `${url} answers` };
  if (isUnproven(error)) return { name, status: 'ok', text: `${url} can be asked` };
  const times = failures === 1 ? 'once' : `${failures} times in a row`;
  return {
    name,
    status: 'fail',
    text: `${url} failed ${times}: ${error.message}`,
    hint: hintOf(error) ?? refresh(trustDomain),
  };
}

function profile({ trustDomain, profile: kind, endpointSpiffeId, error, lastSuccessAt }: RelationshipView): Check {
  const name = `${trustDomain} profile`;
  const how = endpointSpiffeId === null ? kind : `${kind} as ${endpointSpiffeId}`;
  if (error !== undefined && isUnproven(error))
    return { name, status: 'fail', text: `${how}: ${error.message}`, hint: hintOf(error) ?? refresh(trustDomain) };
  if (lastSuccessAt === undefined)
    return { name, status: 'warn', text: `${how}: not proven yet`, hint: refresh(trustDomain) };
  return { name, status: 'ok', text: how };
}

/** Since when nothing was fetched, measured in the pace that the other side asks for. */
function age(
  { trustDomain, lastSuccessAt, nextPollAt, error }: RelationshipView,
  bundle: Bundle | undefined,
  now: number,
): Check {
  const name = `${trustDomain} age`;
  const hint = refresh(trustDomain);
  const next = nextPollAt === undefined ? '' : `; next in ${formatDuration(Math.max(1_000, nextPollAt - now))}`;
  // A daemon that started since has fetched nothing, and has what it stored.
  const since = lastSuccessAt ?? bundle?.updatedAt;
  if (since === undefined) return { name, status: 'fail', text: `no bundle was ever fetched${next}`, hint };
  const interval = pollIntervalMs(bundle?.refreshHintSeconds ?? null, {
    shortestMs: 0,
    withoutHintMs: WITHOUT_HINT_MS,
    longestMs: Number.MAX_SAFE_INTEGER,
  });
  const old = Math.max(0, now - since);
  const text = `fetched ${formatDuration(Math.max(1, old))} ago, asked for each ${formatDuration(interval)}${next}`;
  if (old <= 2 * interval || error === undefined) return { name, status: 'ok', text };
  return { name, status: old > HINTS_PER_LEAD * interval ? 'fail' : 'warn', text, hint };
}

/** FED-22. */
function sequence({ trustDomain, outcome }: RelationshipView, bundle: Bundle | undefined): Check {
  const name = `${trustDomain} sequence`;
  if (outcome?.result === 'ignored')
    return {
      name,
      status: 'fail',
      text: `the last bundle is ignored: ${outcome.reason}`,
      hint: 'ask the other side whether it went back to an older state',
    };
  if (bundle === undefined) return { name, status: 'warn', text: 'there is no bundle', hint: refresh(trustDomain) };
  const text = bundle.sequence === null ? 'none, so the newest fetch counts' : `${bundle.sequence}`;
  return { name, status: 'ok', text };
}

function content({ trustDomain }: RelationshipView, bundle: Bundle | undefined): Check {
  const name = `${trustDomain} keys`;
  const [x509, jwt] = [bundle?.certificates.length ?? 0, bundle?.jwtKeys.length ?? 0];
  const text = `${x509} for certificates, ${jwt} for tokens`;
  if (x509 + jwt > 0) return { name, status: 'ok', text };
  return { name, status: 'fail', text: `${text}: nothing of that trust domain verifies`, hint: refresh(trustDomain) };
}

function isUnproven(error: Error): boolean {
  return error instanceof Failure && UNPROVEN.has(error.reason);
}

function hintOf(error: Error): string | undefined {
  return error instanceof Failure ? error.hint : undefined;
}

function refresh(trustDomain: string): string {
  return `assay federation refresh ${trustDomain}`;
}
