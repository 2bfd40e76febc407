// SPDX-License-Identifier: Apache-2.0
/** Domain states as Workload API messages (`proto/workload.proto`), and nothing else. */
import type {
  JwtBundlesState,
  WitBundlesState,
  WitState,
  X509BundlesState,
  X509State,
} from '../../issuance/workload-identities.ts';

export interface X509SvidResponse {
  readonly svids: readonly {
    readonly spiffe_id: string;
    readonly x509_svid: Buffer;
    readonly x509_svid_key: Buffer;
    readonly bundle: Buffer;
    readonly hint: string;
  }[];
  readonly crl: readonly Buffer[];
  readonly federated_bundles: object;
}

export interface X509BundlesResponse {
  readonly crl: readonly Buffer[];
  readonly bundles: object;
}

/** Each SVID of a trust domain carries the identical bundle: go-spiffe keeps the last one it reads (CLI-07). */
export function toX509SvidResponse(state: X509State): X509SvidResponse {
  return {
    svids: state.svids.map((svid) => ({
      spiffe_id: svid.spiffeId,
      x509_svid: svid.chain,
      x509_svid_key: svid.privateKey,
      bundle: state.bundle,
      hint: svid.hint,
    })),
    crl: state.crls,
    federated_bundles: toMapField(state.federated),
  };
}

export function toX509BundlesResponse(state: X509BundlesState): X509BundlesResponse {
  return { crl: state.crls, bundles: toMapField(state.bundles) };
}

export function toJwtBundlesResponse(state: JwtBundlesState): { readonly bundles: object } {
  return { bundles: toMapField(state.bundles) };
}

export interface WitSvidResponse {
  readonly svids: readonly {
    readonly spiffe_id: string;
    readonly wit_svid: string;
    readonly wit_svid_key: string;
    readonly hint: string;
  }[];
}

export function toWitSvidResponse({ svids }: WitState): WitSvidResponse {
  return {
    svids: svids.map(({ spiffeId, token, privateKey, hint }) => ({
      spiffe_id: spiffeId,
      wit_svid: token,
      wit_svid_key: privateKey,
      hint,
    })),
  };
}

/** Text, where the other profiles have bytes. */
export function toWitBundlesResponse({ bundles }: WitBundlesState): { readonly bundles: object } {
  return { bundles: toMapField(new Map([...bundles].map(([id, set]) => [id, set.toString('utf8')]))) };
}

/** Keys are trust domain IDs, so `spiffe://...`: none can be a property that objects inherit, and this one inherits none. */
function toMapField<Value>(bundles: ReadonlyMap<string, Value>): object {
  const field = Object.create(null) as Record<string, Value>;
  for (const [id, der] of bundles) field[id] = der;
  return field;
}
