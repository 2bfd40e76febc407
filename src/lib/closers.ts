// SPDX-License-Identifier: Apache-2.0
/** What was opened, closed in the opposite order; one that fails does not keep the others open. */
export class Closers {
  readonly #closers: { readonly what: string; readonly close: () => void | Promise<void> }[] = [];
  #closing: Promise<void> | undefined;

  add(what: string, close: () => void | Promise<void>): void {
    this.#closers.push({ what, close });
  }

  /** Idempotent. Rejects with an AggregateError that names what did not close, after trying all. */
  close(): Promise<void> {
    this.#closing ??= this.#run();
    return this.#closing;
  }

  async #run(): Promise<void> {
    const errors: Error[] = [];
    for (const { what, close } of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        errors.push(new Error(`${what} did not close`, { cause: error }));
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('; '));
  }
}
