// SPDX-License-Identifier: Apache-2.0
/** One message of FetchX509Bundles, FetchJWTBundles or FetchWITBundles, read whole or refused whole (WAPI-38). */

import { type JwtKey, parseJwks } from '../jwt/key.ts';
import { quote } from '../lib/failure.ts';
import { messageFault, readBundleKey, within } from './message-fault.ts';
import type { WireJwtBundles, WireWitBundles, WireX509Bundles } from './workload-api.ts';
import { readAnchors } from './x509-state.ts';

/** By trust domain name. An empty bundle stays: the trust domain is known and nothing of it is trusted (BUN-02). */
export type Bundles<Anchor> = ReadonlyMap<string, readonly Anchor[]>;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function readX509Bundles(message: WireX509Bundles): Bundles<Buffer> {
  return readMap(message.bundles, readAnchors);
}

export function readJwtBundles(message: WireJwtBundles): Bundles<JwtKey> {
  return readMap(message.bundles, (bytes, field) =>
    within(field, () => parseJwks(utf8.decode(bytes), 'the JWK set').keys),
  );
}

export function readWitBundles(message: WireWitBundles): Bundles<JwtKey> {
  return readMap(message.bundles, (text, field) =>
    within(field, () => parseJwks(text, 'the JWK set', 'wit-svid').keys),
  );
}

function readMap<Anchor, Bundle>(
  map: Readonly<Record<string, Bundle>>,
  read: (bundle: Bundle, field: string) => readonly Anchor[],
): Bundles<Anchor> {
  const entries = Object.entries(map);
  // guard: WAPI-38 test/client/bundle-state.test.ts — ours at least is always in it (WAPI-19, WAPI-25)
  if (entries.length === 0) throw messageFault('bundles', 'it is empty');
  return new Map(
    entries.map(([key, bytes]) => [readBundleKey('bundles', key).name, read(bytes, `bundles[${quote(key)}]`)]),
  );
}
