// SPDX-License-Identifier: Apache-2.0
/** A fake daemon that mints real tokens: its keys, its bundles, and a log of what was asked. */
import { JwtSource, type JwtSourceOptions } from '../../src/client/jwt-source.ts';
import type { JwtSvidRequest, WireJwtSvid, WireJwtSvids } from '../../src/client/workload-api.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { renderJwks } from '../../src/jwt/key.ts';
import { mintJwtSvid } from '../../src/jwt/mint.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeWorkloadApi } from './fake-workload-api.ts';
import { newJwtKey, type TestJwtKey } from './jwt-keys.ts';

export const WEB = 'spiffe://td-a/web';
export const MINUTE = 60_000;

/** Jitter that neither adds nor takes away. */
const middle = { bytes: () => Buffer.alloc(1), fraction: () => 0.5 };

export class JwtDaemon {
  readonly api: FakeWorkloadApi;
  readonly clock = new FakeClock(Date.UTC(2030, 0, 1));
  readonly asked: JwtSvidRequest[] = [];
  readonly foreign = newJwtKey('ES256', 'foreign');
  ids: readonly string[] = [WEB];
  hints: readonly string[] = [];
  key: TestJwtKey = newJwtKey('ES256', 'k1');
  /** What the bundle of td-a holds. */
  published: readonly TestJwtKey[] = [this.key];
  lifeMs = 5 * MINUTE;
  readonly #closing: { close(): void }[] = [];

  static async start(): Promise<JwtDaemon> {
    const daemon = new JwtDaemon(await FakeWorkloadApi.start());
    daemon.api.onStream = (stream) => stream.send({ bundles: daemon.bundles() });
    daemon.api.onTokens = (request) => daemon.tokens(request);
    return daemon;
  }

  private constructor(api: FakeWorkloadApi) {
    this.api = api;
  }

  bundles(): Record<string, Buffer> {
    return { 'spiffe://td-a': renderJwks(this.published), 'spiffe://td-b': renderJwks([this.foreign]) };
  }

  async tokens(request: JwtSvidRequest): Promise<WireJwtSvids> {
    this.asked.push(request);
    const ids = request.spiffe_id === '' ? this.ids : [request.spiffe_id];
    return { svids: await Promise.all(ids.map((id, at) => this.mint(id, request.audience, this.hints[at]))) };
  }

  async mint(id: string, audiences: readonly string[], hint = '', by = this.key): Promise<WireJwtSvid> {
    const now = this.clock.now();
    const svid = await mintJwtSvid({
      alg: by.alg,
      kid: by.kid,
      sign: by.sign,
      spiffeId: SpiffeId.parse(id),
      audiences,
      issuedAt: now,
      expiresAt: now + this.lifeMs,
      jti: String(this.asked.length),
    });
    return { spiffe_id: id, svid, hint };
  }

  async open(options: JwtSourceOptions = {}): Promise<JwtSource> {
    const source = await JwtSource.open({ socket: this.api.uri, clock: this.clock, random: middle, ...options });
    this.#closing.push(source);
    return source;
  }

  /** Sends the bundle as it is now; resolves when `source` has taken it. */
  async publish(source: JwtSource): Promise<void> {
    const taken = new Promise<void>((resolve) => {
      const stop = source.onUpdate(() => {
        stop();
        resolve();
      });
    });
    (await this.api.streamOf('FetchJWTBundles')).send({ bundles: this.bundles() });
    await taken;
  }

  close(): void {
    for (const one of this.#closing.splice(0).reverse()) one.close();
    this.api.close();
  }
}
