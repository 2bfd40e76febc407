// SPDX-License-Identifier: Apache-2.0
/** Wrong usage: the command line itself makes no sense. Exit status 2; whatever else fails is 1. */
import { Failure, quote } from '../lib/failure.ts';

export const USAGE = 'USAGE';

export function usage(field: string, value: string | undefined, why: string, hint?: string): Failure {
  const message = value === undefined ? `${field}: ${why}` : `${field}: ${quote(value)} ${why}`;
  return new Failure('invalid-argument', USAGE, message, {
    field,
    ...(value === undefined ? {} : { value: quote(value) }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** A program that `assay exec` cannot start ends it as a shell would be ended (POSIX, 2.8.2). */
const OF_SHELLS: ReadonlyMap<string, number> = new Map([
  ['PROGRAM_NOT_FOUND', 127],
  ['PROGRAM_NOT_EXECUTABLE', 126],
]);

export function exitStatus(failure: Failure): number {
  return failure.reason === USAGE ? 2 : (OF_SHELLS.get(failure.reason) ?? 1);
}

/** A flag that has to be there. Checked after commander has looked for unknown flags, so that a mistyped one is named. */
export function required<T>(value: T | undefined, flag: string): T {
  if (value === undefined) throw usage(flag, undefined, 'is required');
  return value;
}
