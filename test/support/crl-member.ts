// SPDX-License-Identifier: Apache-2.0
/** A process of the trust domain `td`, and the revocation lists that its daemon sends, over the stream of bundles. */
import { X509Source } from '../../src/client/x509-source.ts';
import { FakeWorkloadApi, wireMessage, wireOf } from './fake-workload-api.ts';
import { RecordingLogger } from './recording-logger.ts';
import { crlOf, type Issued, type TestCa } from './test-ca.ts';

export class Member {
  readonly ca: TestCa;
  readonly issued: Issued;
  readonly log: RecordingLogger;
  readonly daemon: FakeWorkloadApi;
  readonly source: X509Source;
  readonly #anchors: readonly TestCa[];
  #number = 1n;

  /** Signed by `by`, otherwise by the first of `anchors`. */
  static async join(name: string, anchors: readonly [TestCa, ...TestCa[]], by: TestCa = anchors[0]): Promise<Member> {
    const id = `spiffe://td/${name}`;
    const issued = by.issue(id);
    const crl = [await crlOf(anchors[0], {})];
    const bundle = anchors.map(({ der }) => der);
    const daemon = await FakeWorkloadApi.start((stream) => {
      if (stream.method === 'FetchX509SVID') stream.send({ ...wireMessage([wireOf(issued, id, bundle)]), crl });
      else stream.send({ bundles: { 'spiffe://td': Buffer.concat(bundle) }, crl });
    });
    const log = new RecordingLogger();
    return new Member(daemon, await X509Source.open({ socket: daemon.uri, log }), { anchors, issued, log });
  }

  private constructor(
    daemon: FakeWorkloadApi,
    source: X509Source,
    own: { anchors: readonly [TestCa, ...TestCa[]]; issued: Issued; log: RecordingLogger },
  ) {
    this.daemon = daemon;
    this.source = source;
    this.#anchors = own.anchors;
    this.ca = own.anchors[0];
    this.issued = own.issued;
    this.log = own.log;
  }

  /** The next list of the authority, with these serials. Resolves when it was taken. */
  async learn(...serials: readonly string[]): Promise<void> {
    this.#number += 1n;
    await this.hear(await crlOf(this.ca, { revoked: serials, number: this.#number }));
    while (this.source.status().crl?.revoked !== serials.length) await new Promise((r) => setTimeout(r, 2));
  }

  /** These very lists, whatever they are. Resolves when they were sent. */
  async hear(...crl: readonly Buffer[]): Promise<void> {
    const bundle = Buffer.concat(this.#anchors.map(({ der }) => der));
    (await this.daemon.streamOf('FetchX509Bundles')).send({ bundles: { 'spiffe://td': bundle }, crl });
  }

  close(): void {
    this.source.close();
    this.daemon.close();
  }
}
