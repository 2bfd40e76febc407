// SPDX-License-Identifier: Apache-2.0
/** What a call refuses with; a call that passes, or fails otherwise, fails the test. */
import { Failure } from '../../src/lib/failure.ts';

export function refusalOf(run: () => unknown): Failure {
  try {
    run();
  } catch (error) {
    return asFailure(error);
  }
  throw new Error('nothing was refused');
}

export async function refusalOfAsync(run: () => Promise<unknown>): Promise<Failure> {
  try {
    await run();
  } catch (error) {
    return asFailure(error);
  }
  throw new Error('nothing was refused');
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}
