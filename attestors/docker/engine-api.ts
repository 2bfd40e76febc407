// SPDX-License-Identifier: Apache-2.0
/**
 * The questions asked of a container engine: the Docker Engine API over its socket, in a version that both sides know
 * (docs.docker.com/reference/api/engine, "Versioned API and SDK"). Podman answers the same questions.
 */
import type { IncomingMessage } from 'node:http';
import { AttestorError, type Clock } from '../../src/attestation/plugin.ts';
import { type Answer, type ConnectEngine, get, open } from './http.ts';
import { asObject, type ContainerRecord, type ImageRecord, parse, parseContainer, parseImage } from './records.ts';
import { within } from './timing.ts';

export interface EngineApiOptions {
  readonly connect: ConnectEngine;
  /** `1.41`; negotiated when absent. */
  readonly apiVersion?: string | undefined;
  readonly requestMs: number;
  readonly clock: Clock;
}

/** What was asked for, and how many bytes said so. */
export interface Weighed<T> {
  readonly value: T;
  readonly bytes: number;
}

interface Negotiated {
  readonly version: string;
  readonly podman: boolean;
}

const MOST_BYTES = 4 << 20;
const MOST_VERSION_BYTES = 64 << 10;
/** Newest version whose answers were read for this; Docker 17 to 29 have one in between. */
const NEWEST = 51;
const OLDEST = 24;
/** Events are asked for from a little earlier on: they begin to flow some moments after the answer does. */
const OVERLAP_SECONDS = 60;
/** Docker's words and podman's. The status alone may mean that there is no such path. */
const NO_SUCH_CONTAINER = /no such container/i;
/** Docker's; of podman's, whose names differ, all are asked for. */
const CHANGES = ['create', 'start', 'die', 'destroy', 'rename', 'update', 'pause', 'unpause'];

export class EngineApi {
  readonly #options: EngineApiOptions;
  readonly #closing = new AbortController();
  #negotiated: Promise<Negotiated> | undefined;

  constructor(options: EngineApiOptions) {
    this.#options = options;
  }

  /** Undefined: the engine says that it has no such container. */
  async container(id: string): Promise<Weighed<ContainerRecord> | undefined> {
    const { status, body } = await this.#get(`/containers/${id}/json`);
    if (status === 404) {
      // guard: A10 test/attestors/docker/hostile-engine.test.ts — no lesser identity on the word of what is no engine
      if (!NO_SUCH_CONTAINER.test(body.toString('utf8'))) throw refused(status);
      return undefined;
    }
    if (status !== 200) throw refused(status);
    return { value: parseContainer(body, id), bytes: body.length };
  }

  /** `id`: `sha256:…`. Undefined: the engine no longer has it. */
  async image(id: string): Promise<Weighed<ImageRecord> | undefined> {
    const { status, body } = await this.#get(`/images/${id}/json`);
    if (status === 404) return undefined;
    if (status !== 200) throw refused(status);
    return { value: parseImage(body), bytes: body.length };
  }

  /** A JSON object a line for each change of a container, for as long as the engine runs. */
  async events(signal: AbortSignal): Promise<IncomingMessage> {
    // It may be another engine than before.
    this.#negotiated = undefined;
    const { version, podman } = await this.#version();
    const since = Math.floor(this.#options.clock.now() / 1_000) - OVERLAP_SECONDS;
    const filters = { type: ['container'], ...(podman ? {} : { event: CHANGES }) };
    const query = new URLSearchParams({ since: String(since), filters: JSON.stringify(filters) });
    const response = await this.#opened(`/v${version}/events?${query}`, signal);
    if (response.statusCode === 200) return response;
    response.destroy();
    throw refused(response.statusCode ?? 0);
  }

  /** Ends what is under way, but the events, which have a signal of their own. */
  close(): void {
    this.#closing.abort(new AttestorError('the daemon stops'));
  }

  /** Only the headers have a deadline; the body flows until `signal` aborts. */
  async #opened(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { connect, clock, requestMs } = this.#options;
    const controller = new AbortController();
    const abort = (): void => controller.abort(signal.reason);
    const forget = (): void => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const response = await within(clock, requestMs, (late) => {
        late.addEventListener('abort', () => controller.abort(late.reason), { once: true });
        signal.throwIfAborted();
        return open(connect, path, controller.signal);
      });
      response.once('close', forget);
      return response;
    } catch (error) {
      forget();
      throw error;
    }
  }

  async #get(path: string): Promise<Answer> {
    try {
      const { version } = await this.#version();
      return await this.#ask(`/v${version}${path}`, MOST_BYTES);
    } catch (error) {
      this.#negotiated = undefined;
      throw error;
    }
  }

  #ask(path: string, mostBytes: number): Promise<Answer> {
    const { connect, clock, requestMs } = this.#options;
    const { signal: closing } = this.#closing;
    return within(clock, requestMs, (late) => get(connect, path, mostBytes, AbortSignal.any([late, closing])));
  }

  #version(): Promise<Negotiated> {
    this.#negotiated ??= this.#negotiate().catch((error: unknown) => {
      this.#negotiated = undefined;
      throw error;
    });
    return this.#negotiated;
  }

  async #negotiate(): Promise<Negotiated> {
    const { status, headers } = await this.#ask('/_ping', MOST_VERSION_BYTES);
    if (status !== 200) throw refused(status);
    const podman = headers['libpod-api-version'] !== undefined;
    const { apiVersion } = this.#options;
    if (apiVersion !== undefined) return { version: apiVersion, podman };
    return { version: known(headers['api-version'] ?? (await this.#saidVersion())), podman };
  }

  async #saidVersion(): Promise<unknown> {
    const { status, body } = await this.#ask('/version', MOST_VERSION_BYTES);
    if (status !== 200) throw refused(status);
    return asObject(parse(body), 'version')['ApiVersion'];
  }
}

function known(version: unknown): string {
  const [, minor] = (typeof version === 'string' && /^1\.(\d{1,3})$/.exec(version)) || [];
  if (minor === undefined) throw new AttestorError('it does not say which version of the Docker Engine API it has');
  if (Number(minor) < OLDEST) throw new AttestorError(`its API 1.${minor} is older than 1.${OLDEST}`);
  return `1.${Math.min(Number(minor), NEWEST)}`;
}

function refused(status: number): AttestorError {
  return new AttestorError(`it answers with status ${status}`);
}
