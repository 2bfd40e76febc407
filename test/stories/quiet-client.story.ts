// SPDX-License-Identifier: Apache-2.0
/**
 * A client of go-spiffe, as Go programs have one (spiffe-helper among them), beside a daemon that takes back a thousand SVIDs
 * of others: each message of FetchX509SVID makes it do its work anew, so none may come.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { GoWorkload } from '../interop/go-workload.ts';
import type { Daemon } from '../support/daemon.ts';
import type { JsonLines } from '../support/json-lines.ts';
import { type Follower, revokeBeside } from './revoke-beside.ts';

/** Serials after which it would end by itself. */
const MORE_THAN_COME = 1_000_000;
let go: GoWorkload;
beforeAll(() => {
  go = new GoWorkload();
});
afterAll(() => go?.remove());

class GoFollower implements Follower {
  readonly #lines: JsonLines;

  constructor(daemon: Daemon) {
    this.#lines = go.run(daemon.endpoint, 'follow', String(MORE_THAN_COME));
  }

  get updates(): number {
    return this.#lines.count('update');
  }

  get settled(): boolean {
    return this.updates === 1;
  }

  /** Errors of the watch, which would hide messages. */
  get errors(): number {
    return this.#lines.events.length - this.updates;
  }

  get log(): string {
    return JSON.stringify(this.#lines.events);
  }

  async close(): Promise<void> {
    await this.#lines.stop();
  }
}

const start = (daemon: Daemon): GoFollower => new GoFollower(daemon);
const seen = ({ updates, errors }: GoFollower) => ({ updates, errors });

it('WAPI-39: a thousand revocations of others send a client of go-spiffe nothing', async () => {
  const { after } = await revokeBeside({ program: go.path, start, revocations: 1_000 }, seen);
  expect(after).toEqual({ updates: 1, errors: 0 });
});

it('WAPI-39: with crl.push_x509_svid they do', async () => {
  const config = ['crl: { push_x509_svid: true }'];
  const { after } = await revokeBeside({ program: go.path, start, config, revocations: 100 }, seen);
  console.log(`with crl.push_x509_svid: ${after.updates} messages`);
  expect(after.updates).toBeGreaterThan(1);
  expect(after.errors).toBe(0);
});
