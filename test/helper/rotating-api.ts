// SPDX-License-Identifier: Apache-2.0
/** A Workload API that renews an identity whenever it is told to. */
import { type FakeStream, FakeWorkloadApi, wireMessage, wireSvid } from '../support/fake-workload-api.ts';
import { type IssueOptions, TestCa } from '../support/test-ca.ts';

export const ID = 'spiffe://example.org/web';

export class RotatingApi {
  readonly api: FakeWorkloadApi;
  readonly ca: TestCa = TestCa.create('example.org');
  readonly #streams: FakeStream[] = [];
  #message: object;

  private constructor(api: FakeWorkloadApi) {
    this.api = api;
    this.#message = this.make();
    api.onStream = (stream) => {
      if (stream.method !== 'FetchX509SVID') return;
      this.#streams.push(stream);
      stream.send(this.#message);
    };
  }

  static async start(): Promise<RotatingApi> {
    return new RotatingApi(await FakeWorkloadApi.start());
  }

  get uri(): string {
    return this.api.uri;
  }

  make(options: IssueOptions & { readonly hint?: string } = {}): object {
    return wireMessage([wireSvid(this.ca, ID, options)]);
  }

  /** To every open stream, and first to those that come. */
  rotate(message: object = this.make()): void {
    this.#message = message;
    for (const stream of this.#streams) stream.send(message);
  }

  /** As an operator who takes the identity back. */
  deny(): void {
    for (const stream of this.#streams.splice(0)) stream.end(7, 'no identity issued');
  }

  stop(): void {
    this.#streams.splice(0);
    this.api.stop();
  }

  async listen(): Promise<void> {
    await this.api.listen();
  }

  close(): void {
    this.api.close();
  }
}
