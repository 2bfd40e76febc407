// SPDX-License-Identifier: Apache-2.0
/**
 * Everything the world outside was told by a daemon: entries acknowledged and deleted, SVIDs received, bundle sequences
 * seen. It keeps the daemon under load while it lives, and after each death says what the daemon has forgotten.
 */
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { X509Source } from '../../src/client/index.ts';
import type { Message } from '../support/admin-client.ts';
import type { Daemon } from '../support/daemon.ts';
import { WorkloadClient } from '../support/workload-client.ts';

/** Loops at work at once; small, since a story shares its machine. */
const WRITERS = 3;
const FETCHERS = 3;
const SOURCES = 3;

type Authority = { readonly id: string; readonly slot: string };

export class Witness {
  readonly entries = new Set<string>();
  readonly deleted = new Set<string>();
  /** Serials that reached a client, as it reads them. */
  readonly serials = new Set<string>();
  /** prepare, activate and prune, as seen from outside. */
  readonly steps = { prepare: 0, activate: 0, prune: 0 };
  readonly sequences: number[] = [];
  readonly broken: string[] = [];
  readonly #daemon: Daemon;
  readonly #looked = new Set<string>();
  #authorities: Map<string, string> | undefined;
  #sources: X509Source[] = [];
  #loops: Promise<void>[] = [];
  #over = false;
  #held = false;
  #working = 0;
  #next = 0;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** The daemon serves. Makes the identity that all clients here have, and starts the load. */
  async begin(): Promise<void> {
    await this.#daemon.admin.createEntry({
      spiffe_id: 'spiffe://example.org/story',
      selectors: [`unix:uid:${process.getuid?.()}`],
    });
    const socket = this.#daemon.endpoint;
    this.#sources = await Promise.all(Array.from({ length: SOURCES }, () => X509Source.open({ socket })));
    for (const source of this.#sources) {
      this.#keep(source);
      source.onUpdate(() => this.#keep(source));
    }
    const repeat = (count: number, work: () => Promise<void>) => Array.from({ length: count }, () => this.#loop(work));
    this.#loops = [
      ...repeat(WRITERS, () => this.#write()),
      ...repeat(FETCHERS, () => this.#fetch()),
      ...repeat(1, () => this.#watch()),
    ];
  }

  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#loops);
    for (const source of this.#sources) source.close();
  }

  /** After a restart, the load held: what of all that was told is gone. Also looks at the bundle once more. */
  async compare(): Promise<void> {
    this.#held = true;
    while (this.#working > 0) await sleep(5);
    await this.#compare();
    this.#held = false;
  }

  async #compare(): Promise<void> {
    const stored = await this.#storedEntries();
    for (const id of this.entries) if (!stored.has(id)) this.broken.push(`entry ${id} was acknowledged and is gone`);
    for (const id of this.deleted) if (stored.has(id)) this.broken.push(`entry ${id} was deleted and is back`);
    const unseen = [...this.serials].filter((one) => !this.#looked.has(one));
    await Promise.all(Array.from({ length: 8 }, () => this.#lookForRows(unseen)));
    await this.#lookAtBundle();
  }

  /** Works through a list that others work through too. */
  async #lookForRows(serials: string[]): Promise<void> {
    for (let serial = serials.pop(); serial !== undefined; serial = serials.pop()) {
      const row = await this.#daemon.admin.call('GetSvid', { serial }).catch((error: Error) => error.message);
      if (typeof row === 'string') this.broken.push(`SVID ${serial} is in a client's hands: ${row}`);
      else this.#looked.add(serial);
    }
  }

  /** Every source holds a valid SVID from the daemon that lives now, without help. */
  async recovered(timeoutMs: number): Promise<void> {
    const updates = this.#sources.map((source) => source.status().updates);
    const until = Date.now() + timeoutMs;
    const back = (source: X509Source, at: number): boolean =>
      source.status().state === 'current' && source.status().updates > (updates[at] ?? 0);
    while (!this.#sources.every(back)) {
      if (Date.now() > until) {
        const states = this.#sources.map((source) => JSON.stringify(source.status()));
        throw new Error(`clients did not recover in ${timeoutMs} ms: ${states.join(' ')}`);
      }
      await sleep(20);
    }
    for (const source of this.#sources) source.svid();
  }

  get stepCount(): number {
    return this.steps.prepare + this.steps.activate + this.steps.prune;
  }

  #keep(source: X509Source): void {
    if (source.status().state !== 'current') return;
    for (const svid of source.svids()) this.serials.add(svid.serial);
  }

  async #loop(work: () => Promise<void>): Promise<void> {
    while (!this.#over) {
      if (!this.#held) {
        this.#working += 1;
        // A daemon that is dead at the moment refuses everything; nothing was told, so nothing is owed.
        await work().catch(() => sleep(20));
        this.#working -= 1;
      }
      await sleep(25);
    }
  }

  /** Creates, and takes every fourth away again. Only what was acknowledged counts. */
  async #write(): Promise<void> {
    this.#next += 1;
    const n = this.#next;
    const { id } = await this.#daemon.admin.createEntry({
      spiffe_id: `spiffe://example.org/load/${n}`,
      selectors: ['unix:uid:4000000000'],
    });
    if (n % 4 !== 0) {
      this.entries.add(id as string);
      return;
    }
    // Neither answer is owed until the daemon says that it is gone.
    await this.#daemon.admin.call('DeleteEntry', { id });
    this.deleted.add(id as string);
  }

  async #fetch(): Promise<void> {
    const client = new WorkloadClient(this.#daemon.workloadSocket);
    const messages = client.fetchX509Svid();
    try {
      for (const svid of (await messages.at(1)).svids) {
        const { serialNumber } = new X509Certificate(svid.x509_svid);
        this.serials.add(serialNumber.toLowerCase());
      }
    } finally {
      messages.cancel();
      client.close();
    }
  }

  async #watch(): Promise<void> {
    await this.#lookAtBundle();
    await this.#lookAtAuthorities();
    await sleep(100);
  }

  async #lookAtBundle(): Promise<void> {
    const { bundle } = await this.#daemon.admin.call('GetOwnBundle');
    const sequence = Number((bundle as Message)['sequence']);
    const highest = this.sequences.at(-1);
    if (highest !== undefined && sequence < highest)
      this.broken.push(`the bundle sequence fell from ${highest} to ${sequence}`);
    if (sequence !== highest) this.sequences.push(sequence);
  }

  async #lookAtAuthorities(): Promise<void> {
    const { authorities } = await this.#daemon.admin.call('GetAuthorities');
    const now = new Map((authorities as Authority[]).map((one) => [one.id, one.slot]));
    const before = this.#authorities;
    this.#authorities = now;
    if (before === undefined) return;
    for (const [id, slot] of now) {
      if (!before.has(id)) this.steps.prepare += 1;
      if (slot === 'active' && before.get(id) !== 'active') this.steps.activate += 1;
    }
    for (const id of before.keys()) if (!now.has(id)) this.steps.prune += 1;
  }

  async #storedEntries(): Promise<Set<string>> {
    const ids = new Set<string>();
    let token = '';
    do {
      const page = await this.#daemon.admin.call('ListEntries', { page_size: 1000, page_token: token });
      for (const entry of page['entries'] as { id: string }[]) ids.add(entry.id);
      token = page['next_page_token'] as string;
    } while (token !== '');
    return ids;
  }
}
