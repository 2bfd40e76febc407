// SPDX-License-Identifier: Apache-2.0
/** One fetch from end to end: over the wire, read, judged by its sequence, stored; and a line in the log whatever came of it (FED-27). */
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { Turns } from '../lib/turns.ts';
import type { BundleContent, BundleRecord } from '../store/records.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { EndpointTrust } from './endpoint-connection.ts';
import { fetchDocument } from './fetch.ts';
import type { PollOutcome } from './poller.ts';
import type { Relationship } from './relationship.ts';
import type { BundleShelf } from './tools.ts';
import { unusable } from './trouble.ts';
import { judgeFetched } from './verdict.ts';

export type BundlePoll = (from: Relationship, signal: AbortSignal) => Promise<PollOutcome>;

export interface BundlePollOptions {
  readonly bundles: BundleShelf;
  /** Reads a SPIFFE bundle document. */
  readonly read: (text: string) => BundleContent;
  readonly trust: EndpointTrust;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Fetches at the same time; others wait. */
const AT_ONCE = 16;
/** More relationships than any configuration may have. */
const WAITING = 20_000;

export function bundlePoll(options: BundlePollOptions): BundlePoll {
  const { clock, log } = options;
  const turns = new Turns({
    atOnce: AT_ONCE,
    waitingPerKey: WAITING,
    waiting: WAITING,
    full: (limit) => new Failure('unavailable', 'FETCH_QUEUE_FULL', `more than ${limit} fetches wait for their turn`),
  });
  return async (from, signal) => {
    const about = { trustDomain: from.trustDomain.name, url: from.url.toString(), profile: from.endpoint.profile };
    const began = clock.monotonic();
    try {
      const text = await turns.run(0, signal, () => fetchDocument(from, options, signal));
      const { outcome, sequence } = await take(from, text, options, signal);
      const fields = { ...about, ...outcome, sequence, tookMs: Math.round(clock.monotonic() - began) };
      if (outcome.result === 'ignored') log.warn(fields, 'a fetched bundle is ignored');
      else log.info(fields, 'a bundle was fetched');
      return outcome;
    } catch (error) {
      // One that was ended says nothing.
      if (!signal.aborted) log.warn({ ...about, err: error }, 'a bundle could not be fetched; the stored one stays');
      throw error;
    }
  };
}

async function take(
  from: Relationship,
  text: string,
  { bundles, read }: BundlePollOptions,
  signal: AbortSignal,
): Promise<{ readonly outcome: PollOutcome; readonly sequence: bigint | null }> {
  const { name } = from.trustDomain;
  const content = readDocument(from, text, read);
  const { sequence, refreshHintSeconds: hintSeconds } = content;
  const stored = bundles.get(name);
  const verdict = judgeFetched(
    stored && {
      sequence: stored.sequence,
      isFetched: stored.updatedBy === 'federation',
      isSame: isSame(stored, content),
    },
    sequence,
  );
  if (verdict.kind !== 'take') {
    const [result, reason] =
      verdict.kind === 'ignore' ? (['ignored', verdict.reason] as const) : (['unchanged', undefined] as const);
    return { outcome: { result, reason, hintSeconds }, sequence };
  }
  // From here to the store nothing is awaited (FED-24).
  signal.throwIfAborted();
  await bundles.put(name, content, 'federation');
  const result = stored !== undefined && isSame(stored, content) ? 'unchanged' : 'taken';
  return { outcome: { result, reason: undefined, hintSeconds }, sequence };
}

function readDocument(from: Relationship, text: string, read: BundlePollOptions['read']): BundleContent {
  try {
    return read(text);
  } catch (error) {
    throw unusable(from.url, error instanceof Error ? error.message : 'unreadable', error);
  }
}

/** The keys; what a document says of its age and its pace is not what it vouches for. */
function isSame(stored: BundleRecord, fetched: BundleContent): boolean {
  return (
    stored.certificates.length === fetched.certificates.length &&
    stored.certificates.every((der, i) => der.equals(fetched.certificates[i] as Buffer)) &&
    stored.jwtKeys.length === fetched.jwtKeys.length &&
    stored.jwtKeys.every(
      ({ kid, publicKey }, i) => kid === fetched.jwtKeys[i]?.kid && publicKey.equals(fetched.jwtKeys[i].publicKey),
    )
  );
}
