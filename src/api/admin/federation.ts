// SPDX-License-Identifier: Apache-2.0
/** Relationships with other trust domains: made, looked at, fetched now, ended. */
import type { RelationshipView } from '../../federation/federation.ts';
import type { InitialBundle } from '../../federation/initial-bundle.ts';
import { TrustDomain } from '../../identity/trust-domain.ts';
import { Failure } from '../../lib/failure.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, invalid, readDocument, readPage, readWord } from './read-request.ts';
import type { Outgoing, Request } from './wire.ts';
import type { WireFederation } from './wire-federation.ts';

type FederationRpc =
  | 'CreateFederation'
  | 'GetFederation'
  | 'ListFederations'
  | 'RefreshFederation'
  | 'DeleteFederation';

export function federationRpcs({ federation, registry }: AdminDeps): Handlers<FederationRpc> {
  const show = (view: RelationshipView): { federation: Outgoing<WireFederation> } => ({
    federation: showFederation(view, registry),
  });
  const nameOf = (text: string): string => TrustDomain.parse(text, 'trust_domain').name;
  return {
    async CreateFederation(request, { actor }) {
      const text = {
        trustDomain: given(request.trust_domain),
        url: given(request.url),
        profile: given(request.profile),
        endpointSpiffeId: given(request.endpoint_spiffe_id),
      };
      return show(await federation.create(text, readInitial(request), actor));
    },
    GetFederation: ({ trust_domain }) => show(federation.get(nameOf(trust_domain))),
    ListFederations(request) {
      const { limit, after } = readPage(request);
      const left = federation.all().filter((one) => after === undefined || one.trustDomain > after);
      const rows = left.slice(0, limit);
      return {
        federations: rows.map((view) => showFederation(view, registry)),
        next_page_token: left.length > rows.length ? rows.at(-1)!.trustDomain : '',
      };
    },
    async RefreshFederation({ trust_domain }) {
      const name = nameOf(trust_domain);
      await federation.refresh(name);
      return show(federation.get(name));
    },
    async DeleteFederation({ trust_domain }, { actor }) {
      const name = nameOf(trust_domain);
      const last = show(federation.get(name));
      await federation.delete(name, actor);
      return last;
    },
  };
}

function readInitial(request: Request<'CreateFederation'>): InitialBundle | undefined {
  const format = readWord(request.bundle_format, ['pem', 'spiffe'] as const, 'bundle_format');
  if (format !== undefined) return { format, text: readDocument(request.bundle_document, 'bundle_document') };
  if (request.bundle_document.length === 0) return undefined;
  throw invalid('WORD_INVALID', 'bundle_format', '', 'is missing', 'use one of: pem, spiffe');
}

function showFederation(view: RelationshipView, registry: AdminDeps['registry']): Outgoing<WireFederation> {
  const bundle = registry.foreignBundle(view.trustDomain);
  const { error, outcome } = view;
  const failed = error instanceof Failure ? error.message : 'something unexpected, in the log of the daemon';
  return {
    trust_domain: view.trustDomain,
    url: view.url,
    profile: view.profile,
    endpoint_spiffe_id: view.endpointSpiffeId ?? '',
    origin: view.origin,
    created_at: view.createdAt,
    created_by: view.createdBy,
    last_attempt_at: view.lastAttemptAt,
    last_success_at: view.lastSuccessAt,
    next_poll_at: view.nextPollAt,
    last_result: error === undefined ? (outcome?.result ?? '') : 'failed',
    last_reason: error === undefined ? (outcome?.reason ?? '') : failed,
    failures: view.failures,
    bundle_sequence: bundle && (bundle.sequence?.toString() ?? ''),
    bundle_updated_at: bundle?.updatedAt,
  };
}
