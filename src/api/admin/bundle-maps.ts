// SPDX-License-Identifier: Apache-2.0
/** All bundles as one document: given out, and taken in as the whole state of those set by hand. */
import { readMode, showBundle } from './bundles.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { readDocument } from './read-request.ts';

export function bundleMapRpcs(deps: AdminDeps): Handlers<'GetBundleMap' | 'SetBundleMap'> {
  const { registry, documents, federation } = deps;
  return {
    async GetBundleMap() {
      const own = deps.ownBundle();
      const others = registry.foreignBundles().map((record) => [record.trustDomain, record] as const);
      return { document: await documents.renderMap([[own.trustDomain.name, own], ...others]) };
    },
    async SetBundleMap(request, { actor }) {
      const mode = readMode(request.mode);
      const map = documents.parseMap(readDocument(request.document, 'document'));
      const isFetched = (trustDomain: string): boolean => federation.has(trustDomain);
      const { put, unchanged, deleted } = await registry.setBundleMap(map, isFetched, mode, actor);
      return { set: put.map(showBundle), unchanged, deleted };
    },
  };
}
