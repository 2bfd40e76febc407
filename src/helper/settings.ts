// SPDX-License-Identifier: Apache-2.0
/** What a configuration of the helper says, whichever language it was written in: values that were read and checked. */
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';

/** Which of the identities that the Workload API gives; the default one when neither is told. */
export interface Pick {
  readonly spiffeId: SpiffeId | undefined;
  readonly hint: string | undefined;
}

export interface Owner {
  /** Undefined: as whom the helper runs. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** Permission bits. */
export interface Modes {
  readonly cert: number;
  readonly key: number;
  readonly jwt: number;
  readonly jwtBundle: number;
}

/** File names by what they hold; undefined: not wanted. */
export interface X509Files {
  /** PEM, leaf first. */
  readonly cert: string | undefined;
  /** PEM, PKCS#8. */
  readonly key: string | undefined;
  /** PEM, the anchors. */
  readonly bundle: string | undefined;
  /** PEM, the chain and then the key, in one file. */
  readonly combined: string | undefined;
  /** DER, the leaf alone. */
  readonly certDer: string | undefined;
  /** DER, PKCS#8. */
  readonly keyDer: string | undefined;
  /** PKCS#12, key and chain. */
  readonly pkcs12: string | undefined;
  /** PKCS#12, the anchors. */
  readonly pkcs12Bundle: string | undefined;
}

export interface X509Output {
  readonly files: X509Files;
  /** Read anew for each file written. */
  readonly passwordFile: string | undefined;
  readonly intermediatesInBundle: boolean;
  readonly federatedBundles: boolean;
  readonly omitExpired: boolean;
}

export interface TokenOutput {
  readonly file: string;
  readonly audiences: readonly [string, ...string[]];
}

export interface JwtBundleOutput {
  readonly file: string;
  /** Undefined: all trust domains in one object, each name with its JWK set in base64, as spiffe-helper writes it. */
  readonly trustDomain: TrustDomain | undefined;
}

export interface SpiffeBundleOutput {
  readonly file: string;
  readonly trustDomain: TrustDomain;
}

export interface SignalAction {
  readonly pidFile: string;
  readonly signal: NodeJS.Signals;
}

export interface RunAction {
  readonly command: readonly [string, ...string[]];
  readonly timeoutMs: number;
}

/** What is done after something that was written has changed. */
export interface Actions {
  readonly signal: SignalAction | undefined;
  readonly run: RunAction | undefined;
}

export interface Output {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly pick: Pick;
  readonly owner: Owner;
  readonly modes: Modes;
  readonly x509: X509Output | undefined;
  readonly tokens: readonly TokenOutput[];
  readonly jwtBundle: JwtBundleOutput | undefined;
  readonly spiffeBundle: SpiffeBundleOutput | undefined;
  readonly actions: Actions;
}

export interface Supervise {
  readonly command: readonly [string, ...string[]];
  /** Sent after a change; undefined: none is. */
  readonly signal: NodeJS.Signals | undefined;
  /**
   * What happens when it ends. `never`: the helper ends with it, and with its status. `on-failure`, `always`: it is started
   * again. `on-change`: it is started again with the next change, as spiffe-helper does with `cmd`.
   */
  readonly restart: 'never' | 'on-failure' | 'always' | 'on-change';
  readonly stopTimeoutMs: number;
  /** Variables that are set for it besides the helper's own. */
  readonly env: ReadonlyMap<string, string>;
  /** The outputs whose changes concern it; it starts when these are written. */
  readonly outputs: ReadonlySet<string>;
}

export interface HealthSettings {
  /** Undefined: all addresses of this machine, which are told no more than spiffe-helper tells. */
  readonly address: string | undefined;
  /** Undefined: not over TCP. */
  readonly port: number | undefined;
  readonly socket: string | undefined;
  readonly livePath: string;
  readonly readyPath: string;
}

export interface HelperSettings {
  /** A URI; undefined: SPIFFE_ENDPOINT_SOCKET, or where our daemon puts it. */
  readonly socket: string | undefined;
  /** Write everything once and end. */
  readonly once: boolean;
  readonly outputs: readonly [Output, ...Output[]];
  readonly supervise: Supervise | undefined;
  readonly health: HealthSettings | undefined;
  /** Sentences for whoever wrote the configuration. */
  readonly warnings: readonly string[];
}
