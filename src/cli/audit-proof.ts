// SPDX-License-Identifier: Apache-2.0
/** `assay audit proof`: what is needed to check one event without the daemon and its database (docs/audit.md). */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { count, sequence } from './values.ts';

const MOST_EVENTS = 999_999_999;

export async function auditProof(
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly size?: string },
  [seq = '']: readonly string[],
): Promise<number> {
  const size = options.size === undefined ? undefined : count(options.size, '--size', MOST_EVENTS);
  const call = withAdmin(io, options, (admin) => admin.call('GetEventProof', { seq: sequence(seq, '<seq>'), size }));
  const { event, inclusion_proof, checkpoint, checkpoint_size } = await withFlagNames(['--size'], call);
  printJson(io, {
    header: {
      actor: event.actor,
      at: Number(event.at),
      identity: event.identity === '' ? null : event.identity,
      kind: event.kind,
      payload_sha256: event.payload_sha256.toString('hex'),
      seq: Number(event.seq),
      task: event.task === '' ? null : event.task,
    },
    payload: event.payload ?? null,
    salt: event.payload === undefined ? null : event.salt.toString('hex'),
    leaf_hash: event.leaf_hash.toString('hex'),
    inclusion_proof: inclusion_proof.map((hash) => hash.toString('hex')),
    size: Number(checkpoint_size),
    checkpoint: checkpoint === '' ? null : checkpoint,
  });
  return 0;
}
