// SPDX-License-Identifier: Apache-2.0
/**
 * The engine's events, followed for as long as the daemon runs: lost and found again with growing pauses. Anything odd in
 * them ends the stream, because after a new beginning everything is looked at again.
 */
import type { IncomingMessage } from 'node:http';
import { AttestorError, type Clock } from '../../src/attestation/plugin.ts';
import { asObject, parse } from './records.ts';

export interface FeedOptions {
  /** Rejects when there is no stream to be had. */
  readonly open: (signal: AbortSignal) => Promise<IncomingMessage>;
  readonly clock: Clock;
  /** From now on every change is told of. */
  readonly live: () => void;
  /** Changes may be missed from now on. Called for each try that failed, too. */
  readonly lost: (error: unknown) => void;
  readonly changed: (containerId: string) => void;
}

const MOST_LINE_BYTES = 1 << 20;
const PAUSE_FIRST_MS = 100;
const PAUSE_LONGEST_MS = 5_000;
/** A stream that ends sooner than this did not work. */
const WORKED_MS = 10_000;
/** Docker's and podman's, beside those that change what a container is. */
const SAYS_NOTHING =
  /^(?:exec|exec_.*|health_status.*|attach|detach|top|resize|copy|export|commit|archive-path|extract-to-dir|logs|kill)$/;

export class EventFeed {
  readonly #options: FeedOptions;
  readonly #abort = new AbortController();
  #pauseMs = PAUSE_FIRST_MS;
  #endPause: (() => void) | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    void this.#run();
  }

  /** The engine was heard of: tries again now, if it waits to. */
  nudge(): void {
    this.#endPause?.();
  }

  close(): void {
    this.#abort.abort(new AttestorError('the daemon stops'));
    this.#endPause?.();
  }

  async #run(): Promise<void> {
    const { clock, lost } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const began = clock.monotonic();
      const error = await this.#follow();
      if (signal.aborted) return;
      lost(error);
      if (clock.monotonic() - began >= WORKED_MS) this.#pauseMs = PAUSE_FIRST_MS;
      await this.#pause();
    }
  }

  /** Until the stream ends; gives why it did. */
  async #follow(): Promise<unknown> {
    const { open, live } = this.#options;
    let response: IncomingMessage | undefined;
    try {
      response = await open(this.#abort.signal);
      live();
      let begun: Buffer = Buffer.alloc(0);
      for await (const chunk of response as AsyncIterable<Buffer>) begun = this.#take(Buffer.concat([begun, chunk]));
      return new AttestorError('its events ended');
    } catch (error) {
      return error;
    } finally {
      response?.destroy();
    }
  }

  /** Tells of each whole line; gives the rest. */
  #take(bytes: Buffer): Buffer {
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      const line = bytes.subarray(from, end);
      from = end + 1;
      if (line.length > 1) this.#tell(line);
    }
    // guard: I9 test/attestors/docker/hostile-engine.test.ts
    if (bytes.length - from > MOST_LINE_BYTES)
      throw new AttestorError(`an event has more than ${MOST_LINE_BYTES} bytes`);
    return bytes.subarray(from);
  }

  #tell(line: Buffer): void {
    const event = asObject(parse(line), 'event');
    if (event['Type'] !== 'container') return;
    const { Action: action } = event;
    const id = asObject(event['Actor'], 'Actor')['ID'];
    if (typeof action !== 'string' || typeof id !== 'string')
      throw new AttestorError('an event has no action or no id');
    if (!SAYS_NOTHING.test(action.replace(/:.*$/s, ''))) this.#options.changed(id);
  }

  #pause(): Promise<void> {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, PAUSE_LONGEST_MS);
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(pauseMs, resolve);
      this.#endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
