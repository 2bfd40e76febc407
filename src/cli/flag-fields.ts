// SPDX-License-Identifier: Apache-2.0
/** The daemon names the field of a request; the user knows the flag it came from. */
import { Failure } from '../lib/failure.ts';

/** Fields whose flag is not simply the same word with dashes. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  ['selectors', '--selector'],
  ['dns_name', '--dns'],
  ['dns_names', '--dns'],
  ['expires_at', '--expires'],
  ['identity_expires_at', '--identity-expires'],
  ['environment', '--env'],
  ['labels', '--label'],
  ['intents', '--intent'],
  ['x509_ttl_seconds', '--x509-ttl'],
  ['jwt_ttl_seconds', '--jwt-ttl'],
  ['bundle_document', '--bundle'],
]);

/** Runs the call, and puts the flag in the place of the field where `flags` has it. */
export async function withFlagNames<T>(flags: readonly string[], call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw error instanceof Failure ? renamed(error, flags) : error;
  }
}

function renamed(failure: Failure, flags: readonly string[]): Failure {
  const { field, value, hint } = failure;
  if (field === undefined) return failure;
  const flag = FLAGS.get(field) ?? `--${field.replaceAll('_', '-')}`;
  if (!flags.includes(flag)) return failure;
  const message = failure.message.startsWith(field) ? `${flag}${failure.message.slice(field.length)}` : failure.message;
  return new Failure(failure.kind, failure.reason, message, {
    field: flag,
    cause: failure,
    ...(value === undefined ? {} : { value }),
    ...(hint === undefined ? {} : { hint }),
  });
}
