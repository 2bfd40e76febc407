// SPDX-License-Identifier: Apache-2.0
/**
 * One asker of secrets: what it asked for last, and what it was sent last. Each set of names is a standing of its own, so that
 * only what was asked for is issued and every answer passes the last look at its caller (`issuance/standing.ts`).
 *
 * Who has not read the last answer does not know its nonce, so a stream that reads nothing is answered no more (attack B4).
 */
import { createHash } from 'node:crypto';
import type { Follower, Following, WorkloadIdentities, X509State } from '../../issuance/workload-identities.ts';
import type { Failure } from '../../lib/failure.ts';
import type { Random } from '../../lib/random.ts';
import type { ProcessHandle } from '../../peer/process-handle.ts';
import { readNames, type SdsNames, wantedBy } from './names.ts';
import { type Node, takesSpiffeValidator } from './node.ts';
import { type Held, type Resource, secretsOf } from './secrets.ts';

/** `envoy.service.discovery.v3.DiscoveryRequest`. */
export interface DiscoveryRequest {
  readonly version_info: string;
  readonly node: Node | null;
  readonly resource_names: readonly string[];
  readonly type_url: string;
  readonly response_nonce: string;
  readonly error_detail: { readonly code: number; readonly message: string } | null;
}

/** `envoy.service.discovery.v3.DiscoveryResponse`. */
export interface DiscoveryResponse {
  readonly version_info: string;
  readonly resources: readonly Resource[];
  readonly type_url: string;
  readonly nonce: string;
}

export interface SdsRules {
  readonly names: SdsNames;
  readonly disableSpiffeCertValidation: boolean;
  /** Our own trust domain, as an ID. */
  readonly trustDomain: string;
}

export interface SecretStreamOptions {
  readonly rules: SdsRules;
  readonly identities: Pick<WorkloadIdentities, 'followX509' | 'followX509Bundles'>;
  readonly process: ProcessHandle;
  /** Where responses go; `end` comes at most once. */
  readonly out: Follower<DiscoveryResponse>;
  readonly random: Random;
  /** Each set of names but the first counts as a new stream (I9). */
  readonly again: () => Failure | undefined;
  readonly rejected: (why: { readonly code: number; readonly message: string } | null) => void;
}

const NONCE_BYTES = 16;

export class SecretStream {
  readonly #options: SecretStreamOptions;
  #names: readonly string[] | undefined;
  /** By the first node told of; of the node itself, which may be large, nothing is kept. */
  #spiffeValidator: boolean | undefined;
  #typeUrl = '';
  #following: Following | undefined;
  #version = 0;
  #nonce = '';
  #digest = '';
  #ended = false;

  constructor(options: SecretStreamOptions) {
    this.#options = options;
  }

  /** Throws a Failure, of the request. */
  ask(request: DiscoveryRequest): void {
    if (this.#ended) return;
    // guard: SDS-10 test/api/sds/stream.test.ts
    if (this.#nonce !== '' && request.response_nonce !== this.#nonce) return;
    const rejected = request.error_detail !== null || request.version_info !== String(this.#version);
    if (this.#nonce !== '' && rejected) this.#options.rejected(request.error_detail);
    // SDS-13
    if (request.node !== null) this.#spiffeValidator ??= this.#takesValidator(request.node);
    this.#typeUrl = request.type_url;
    const names = readNames(request.resource_names);
    // SDS-11, SDS-12: taken or rejected, the same data is not sent again.
    if (this.#names !== undefined && sameNames(this.#names, names)) return;
    if (this.#names !== undefined) {
      const refusal = this.#options.again();
      // guard: I9 test/api/sds/stream.test.ts
      if (refusal !== undefined) throw refusal;
    }
    this.#follow(names);
  }

  /** The asker has gone. Idempotent. */
  stop(): void {
    this.#ended = true;
    this.#following?.stop();
  }

  end(failure: Failure): void {
    if (this.#ended) return;
    this.stop();
    this.#options.out.end(failure);
  }

  #follow(names: readonly string[]): void {
    const { identities, process, rules } = this.#options;
    this.#following?.stop();
    this.#names = names;
    this.#digest = '';
    const wanted = wantedBy(names, rules.names);
    const own = rules.trustDomain;
    this.#following =
      wanted === 'none'
        ? identities.followX509Bundles(
            process,
            this.#follower(names, ({ bundles }) => ({ svids: [], own, bundles })),
          )
        : identities.followX509(
            process,
            this.#follower<X509State>(names, (state) => heldBy(own, state)),
            wanted,
          );
    // Told that it has ended before there was anything to stop.
    if (this.#ended) this.#following.stop();
  }

  #follower<State>(names: readonly string[], heldIn: (state: State) => Held): Follower<State> {
    let sent = false;
    return {
      // Not async: what cannot be written is thrown before anything counts as sent.
      send: (state) => {
        try {
          const sending = this.#send(this.#write(names, heldIn(state)));
          sent = true;
          return sending;
        } catch (error) {
          if (!sent) throw error;
          this.end(error as Failure);
          return Promise.resolve();
        }
      },
      end: (failure) => this.end(failure),
    };
  }

  /** Undefined: the same was sent last. */
  #write(names: readonly string[], held: Held): readonly Resource[] | undefined {
    const { rules } = this.#options;
    const resources = secretsOf(held, names, rules.names, this.#spiffeValidator ?? this.#takesValidator(null));
    const hash = createHash('sha256');
    for (const { value } of resources) hash.update(`${value.length}:`).update(value);
    const digest = hash.digest('base64');
    if (digest === this.#digest) return undefined;
    this.#digest = digest;
    return resources;
  }

  #takesValidator(node: Node | null): boolean {
    return takesSpiffeValidator(node, this.#options.rules.disableSpiffeCertValidation);
  }

  #send(resources: readonly Resource[] | undefined): Promise<void> {
    if (resources === undefined) return Promise.resolve();
    this.#version += 1;
    this.#nonce = this.#options.random.bytes(NONCE_BYTES).toString('hex');
    const head = { version_info: String(this.#version), type_url: this.#typeUrl, nonce: this.#nonce };
    return this.#options.out.send({ ...head, resources });
  }
}

function heldBy(own: string, { svids, bundle, federated }: X509State): Held {
  return { svids, own, bundles: new Map([[own, bundle], ...federated]) };
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}
