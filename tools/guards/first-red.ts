// SPDX-License-Identifier: Apache-2.0
/** A jest environment that leaves out what comes after the first red test: one is all that a guard needs. */
import { TestEnvironment } from 'jest-environment-node';

interface Event {
  readonly name: string;
  readonly test?: { readonly errors: readonly unknown[]; mode?: string };
}

export default class FirstRed extends TestEnvironment {
  #red = false;

  handleTestEvent({ name, test }: Event): void {
    if (name === 'test_start' && this.#red && test) test.mode = 'skip';
    if (name === 'test_done' && test && test.errors.length > 0) this.#red = true;
  }
}
