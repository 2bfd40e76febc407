// SPDX-License-Identifier: Apache-2.0
/**
 * A watch on the API server for the pods of one node, or for namespaces (Kubernetes API concepts, "Efficient detection of changes"):
 * listed once, then told of one by one. Begun when the first caller needs it, and kept.
 */
import type { Clock, Timer } from '../../src/attestation/plugin.ts';
import type { ApiClient } from './api-client.ts';
import type { Feed, FeedListener } from './feed.ts';
import { NoList } from './item-splitter.ts';
import { linesOf } from './lines.ts';
import { type Listed, ListReader } from './list-reader.ts';
import { troubleOf } from './trouble.ts';

export interface ApiServerFeedOptions<T> {
  readonly client: Pick<ApiClient, 'get' | 'close' | 'name'>;
  readonly clock: Clock;
  readonly listed: Listed<T>;
  /** Of the list: `/api/v1/namespaces`. */
  readonly path: string;
  readonly timeoutMs: number;
}

/** From the beginning of one attempt to that of the next. */
const BETWEEN_MS = 1_000;
/** The server ends a watch after so long, and is asked for the next: a connection that died unseen is noticed then. */
const WATCH_SECONDS = 60;
const WATCH_LATE_MS = 5_000;
const STALE_MS = 10_000;

/** The list is out of date for a watch to begin at (410 Gone): it is asked for anew. */
class Expired extends Error {}

interface Event {
  readonly type?: unknown;
  readonly object?: { readonly code?: unknown; readonly metadata?: { readonly resourceVersion?: unknown } };
}

export class ApiServerFeed<T> implements Feed {
  readonly #options: ApiServerFeedOptions<T>;
  readonly #listener: FeedListener<T>;
  readonly #reader: ListReader<T>;
  readonly #abort = new AbortController();
  /** Of all that are there. */
  #keys = new Set<string>();
  /** Of the last list or event; undefined: to be listed. */
  #version: string | undefined;
  #wanted = false;
  #running = false;
  #watching = false;
  #knownAt = -Infinity;
  #toldStale = false;
  #timer: Timer | undefined;

  constructor(options: ApiServerFeedOptions<T>, listener: FeedListener<T>) {
    this.#options = options;
    this.#listener = listener;
    this.#reader = new ListReader(options.clock, options.listed);
  }

  get asOf(): number {
    return this.#watching ? this.#options.clock.monotonic() : this.#knownAt;
  }

  demand(waiting: boolean, resting: boolean): void {
    this.#wanted = waiting || resting;
    if (this.#wanted && !this.#running && this.#timer === undefined) void this.#follow();
  }

  close(): void {
    this.#abort.abort();
    this.#timer?.cancel();
    this.#options.client.close();
  }

  /** Lists, where it has to, and watches until the server ends that; then again. */
  async #follow(): Promise<void> {
    this.#running = true;
    this.#timer = undefined;
    const { clock } = this.#options;
    const beganAt = clock.monotonic();
    try {
      if (this.#version === undefined) await this.#list();
      await this.#watch();
    } catch (error) {
      this.#version = undefined;
      if (!this.#abort.signal.aborted && !(error instanceof Expired)) this.#failed(error);
    }
    this.#running = false;
    if (this.#abort.signal.aborted || (this.#version === undefined && !this.#wanted)) return;
    // guard: I9 test/attestors/k8s/api-server-feed.test.ts — a server that ends each watch at once is not asked without end
    this.#timer = clock.after(Math.max(0, beganAt + BETWEEN_MS - clock.monotonic()), () => void this.#follow());
  }

  async #list(): Promise<void> {
    const { client, clock, timeoutMs, path } = this.#options;
    const askedAt = clock.monotonic();
    const signal = this.#abort.signal;
    const { value } = await client.get(path, { signal, timeoutMs }, (body) => this.#reader.read(body));
    this.#version = value.resourceVersion;
    this.#keys = new Set(value.items.keys());
    this.#knownAt = askedAt;
    this.#toldStale = false;
    // What the API server does not have is gone, whoever was started anew meanwhile.
    this.#listener.list(value, true);
  }

  async #watch(): Promise<void> {
    const { client, listed, path } = this.#options;
    const timeoutMs = WATCH_SECONDS * 1_000 + WATCH_LATE_MS;
    const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=${WATCH_SECONDS}&resourceVersion=${this.#version}`;
    const watched = `${path}${path.includes('?') ? '&' : '?'}${query}`;
    try {
      await client.get(watched, { signal: this.#abort.signal, timeoutMs }, async (body) => {
        this.#watching = true;
        for await (const line of linesOf(body, listed.rules.itemBytes)) this.#take(line);
      });
    } finally {
      this.#knownAt = this.asOf;
      this.#watching = false;
    }
  }

  #take(line: Buffer): void {
    const event = parsed(line);
    const { type, object } = event;
    if (type === 'ERROR') throw object?.code === 410 ? new Expired() : new NoList('it is an error');
    const version = object?.metadata?.resourceVersion;
    if (typeof version !== 'string') throw new NoList('an event has no version');
    this.#version = version;
    if (type === 'BOOKMARK') return;
    const { parse, keyOf, rules, things } = this.#options.listed;
    const item = parse(object);
    if (item === undefined) return;
    const key = keyOf(item);
    // guard: I1 test/attestors/k8s/api-server-feed.test.ts
    if (type === 'DELETED') this.#keys.delete(key);
    else this.#keys.add(key);
    // guard: I9 test/attestors/k8s/api-server-feed.test.ts
    if (this.#keys.size > rules.items) throw new NoList(`it has over ${rules.items} ${things}`);
    this.#toldStale = false;
    this.#listener.change(key, this.#keys.has(key) ? item : undefined);
  }

  #failed(error: unknown): void {
    const { clock, client, listed } = this.#options;
    this.#listener.trouble(troubleOf(client.name, error, listed));
    if (clock.monotonic() - this.#knownAt < STALE_MS || this.#toldStale) return;
    this.#toldStale = true;
    this.#listener.stale();
  }
}

function parsed(line: Buffer): Event {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // The parser's own message quotes what it read, which may be a secret.
  }
  throw new NoList('an event is no JSON object');
}
