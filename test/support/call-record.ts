// SPDX-License-Identifier: Apache-2.0
/** One call of the Workload API that another process makes and reports a JSON line at a time. */
import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';
import type { BundlesMessage, X509Message } from './workload-client.ts';

export const FETCH_SVID = '/SpiffeWorkloadAPI/FetchX509SVID';
export const FETCH_BUNDLES = '/SpiffeWorkloadAPI/FetchX509Bundles';
export const HEADER = { 'workload.spiffe.io': 'true' } as const;

const definition = loadSync(fileURLToPath(new URL('../../proto/workload.proto', import.meta.url)), {
  keepCase: true,
  bytes: Buffer,
});
const service = definition['SpiffeWorkloadAPI'] as Record<
  string,
  { path: string; responseDeserialize(b: Buffer): object }
>;

export interface CallEnd {
  readonly code: number;
  readonly message: string;
}

export class CallRecord {
  readonly messages: (X509Message & BundlesMessage)[] = [];
  /** How the call ended; rejects when there is no status to come. */
  readonly end: Promise<CallEnd>;
  readonly #ended = Promise.withResolvers<CallEnd>();
  readonly #deserialize: ((bytes: Buffer) => object) | undefined;
  #waiting: (() => void)[] = [];
  #over: string | undefined;

  constructor(method: string) {
    this.#deserialize = Object.values(service).find((one) => one.path === method)?.responseDeserialize;
    this.end = this.#ended.promise;
    this.end.catch(() => undefined);
  }

  /** The `count`-th message, from 1. */
  async at(count: number): Promise<X509Message & BundlesMessage> {
    while (this.messages.length < count && this.#over === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const message = this.messages[count - 1];
    if (message) return message;
    const end = await this.end.catch((error: Error) => error.message);
    throw new Error(`no message ${count}: ${this.#over}; ${JSON.stringify(end)}`);
  }

  /** Takes a line in. */
  said(line: { readonly event: string; readonly [member: string]: unknown }): void {
    if (line.event === 'message' && this.#deserialize)
      this.messages.push(
        this.#deserialize(Buffer.from(String(line['bytes']), 'base64')) as X509Message & BundlesMessage,
      );
    if (line.event === 'status') this.#ended.resolve({ code: Number(line['code']), message: String(line['message']) });
    if (line.event === 'failed' || line.event === 'reset') this.#ended.reject(new Error(String(line['message'])));
    if (line.event === 'closed') this.#finish('the call ended');
    this.#wake();
  }

  /** The process is gone. */
  lost(why: string): void {
    this.#finish(why);
  }

  #finish(why: string): void {
    this.#over ??= why;
    // A connection that is cut brings no status, and an end that has come stays as it is.
    this.#ended.reject(new Error(this.#over));
    this.#wake();
  }

  #wake(): void {
    for (const one of this.#waiting.splice(0)) one();
  }
}
