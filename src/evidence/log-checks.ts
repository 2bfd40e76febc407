// SPDX-License-Identifier: Apache-2.0
/** That everything in an evidence is what the log says: each payload under its hash, each event a leaf, each leaf under the checkpoint. */
import { Failure } from '../lib/failure.ts';
import { type Checkpoint, checkpointText, openCheckpoint, parseVerifierKey } from '../merkle/note.ts';
import { provesInclusion } from '../merkle/proof.ts';
import { eventLeaf, payloadHash } from '../store/events.ts';
import type { Evidence, EvidenceEvent } from './format.ts';
import type { Verdict } from './verdict.ts';

/** `logKey`: as whoever verifies knows it; undefined where they know none. Undefined where nothing can be believed. */
export function checkLog(evidence: Evidence, logKey: string | undefined, verdict: Verdict): Checkpoint | undefined {
  const checkpoint = opened(evidence, logKey, verdict);
  if (checkpoint === undefined) return undefined;
  const before = verdict.faults.length;
  for (const event of evidence.events) checkEvent(event, checkpoint, verdict);
  return verdict.faults.length === before ? checkpoint : undefined;
}

function opened(
  { checkpoint, verifierKey }: Evidence,
  logKey: string | undefined,
  verdict: Verdict,
): Checkpoint | undefined {
  try {
    // guard: B5 test/evidence/verify.test.ts
    verdict.require(
      logKey === undefined || logKey.trim() === verifierKey,
      'the log key: the file names another than the one that was given',
    );
    const said = openCheckpoint(checkpoint, parseVerifierKey(logKey ?? verifierKey));
    // A signature of somebody else beside ours is of no key that is checked here.
    const [, signatures = ''] = checkpoint.split('\n\n');
    // guard: C4 test/evidence/verify.test.ts
    verdict.require(
      checkpoint.startsWith(`${checkpointText(said)}\n`) && signatures.split('\n').length === 2,
      'the checkpoint: it has more in it than what the log signs',
    );
    return said;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    verdict.require(false, error.message);
    return undefined;
  }
}

function checkEvent(event: EvidenceEvent, { size, root }: Checkpoint, verdict: Verdict): void {
  const { seq, kind, said, payloadSha256, proof } = event;
  const name = `event ${seq} (${kind})`;
  // guard: C4 test/evidence/verify.test.ts
  verdict.require(
    said === null || payloadHash(said.salt.toString('hex'), said.payload).equals(payloadSha256),
    `${name}: what it says is not what was logged`,
  );
  // guard: I3 test/evidence/verify.test.ts
  verdict.require(
    provesInclusion({ leaf: eventLeaf(event), index: seq, size, proof, root }),
    `${name}: it is not in the log that the checkpoint is over`,
  );
}
