// SPDX-License-Identifier: Apache-2.0
/** Bundles: our own, and those of other trust domains, set by hand. */
import { TrustDomain } from '../../identity/trust-domain.ts';
import { Failure, quote } from '../../lib/failure.ts';
import type { BundleRecord } from '../../store/records.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { invalid, missing, readDocument, readPage, readWord } from './read-request.ts';
import type { Outgoing, WireBundle } from './wire.ts';

/** As lists have it: without the document. */
export function showBundle(record: BundleRecord): Outgoing<WireBundle> {
  return {
    trust_domain: record.trustDomain,
    x509_certificates: record.certificates,
    updated_at: record.updatedAt,
    updated_by: record.updatedBy,
  };
}

type BundleRpc = 'GetOwnBundle' | 'GetBundle' | 'ListBundles' | 'SetBundle' | 'DeleteBundle';

export function bundleRpcs(deps: AdminDeps): Handlers<BundleRpc> {
  const { registry, documents } = deps;
  const showWhole = (record: BundleRecord): Outgoing<WireBundle> => ({
    ...showBundle(record),
    spiffe_document: documents.render(record),
  });
  const own = (): Outgoing<WireBundle> => {
    const bundle = deps.ownBundle();
    return {
      trust_domain: bundle.trustDomain.name,
      x509_certificates: bundle.certificates,
      sequence: bundle.sequence,
      refresh_hint_seconds: bundle.refreshHintSeconds,
      spiffe_document: documents.render(bundle),
    };
  };
  return {
    GetOwnBundle: () => ({ bundle: own() }),
    GetBundle({ trust_domain }) {
      const asked = TrustDomain.parse(trust_domain, 'trust_domain');
      if (asked.equals(deps.daemon.trustDomain)) return { bundle: own() };
      const record = registry.foreignBundle(asked.name);
      if (record === undefined) {
        throw missing('BUNDLE_NOT_FOUND', 'bundle of the trust domain', asked.name, 'list them: assay bundle list');
      }
      return { bundle: showWhole(record) };
    },
    ListBundles(request) {
      const page = readPage(request);
      const after = page.after;
      // The name of the last one shown is the token: names are ordered and never reused for another.
      const left = [...registry.foreignBundles()]
        .sort((a, b) => (a.trustDomain < b.trustDomain ? -1 : 1))
        .filter((record) => after === undefined || record.trustDomain > after);
      const rows = left.slice(0, page.limit);
      return {
        bundles: rows.map(showBundle),
        next_page_token: left.length > rows.length ? rows.at(-1)!.trustDomain : '',
      };
    },
    async SetBundle(request, asked) {
      // What Go clients cannot read as a host must not get into their bundles (CLI-09).
      const trustDomain = TrustDomain.parseOwn(request.trust_domain, 'trust_domain');
      const format = readWord(request.format, ['pem', 'spiffe'] as const, 'format');
      if (format === undefined) throw invalid('WORD_INVALID', 'format', '', 'is missing', 'use one of: pem, spiffe');
      const content = documents.parse(format, readDocument(request.document, 'document'));
      const record = await registry.putBundle(trustDomain.name, content, asked.actor);
      return { bundle: showWhole(record) };
    },
    async DeleteBundle(request, asked) {
      const { name } = TrustDomain.parse(request.trust_domain, 'trust_domain');
      const mode = readMode(request.mode);
      // The next fetch would bring it back, and until then nobody would know why it is gone.
      if (deps.federation.has(name)) throw isFetched(name);
      await registry.deleteBundle(name, mode, asked.actor);
      return {};
    },
  };
}

/** What becomes of entries that federate with a bundle that leaves. */
export function readMode(text: string): 'restrict' | 'dissociate' | 'delete' {
  return readWord(text, ['restrict', 'dissociate', 'delete'] as const, 'mode') ?? 'restrict';
}

function isFetched(trustDomain: string): Failure {
  const shown = quote(trustDomain);
  return new Failure(
    'failed-precondition',
    'BUNDLE_IS_FETCHED',
    `the bundle of ${shown} is kept: a relationship fetches it`,
    {
      field: 'trust_domain',
      value: shown,
      hint: `assay federation delete ${trustDomain}`,
    },
  );
}
