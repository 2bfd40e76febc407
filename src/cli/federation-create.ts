// SPDX-License-Identifier: Apache-2.0
/** `assay federation create` */
import { Failure } from '../lib/failure.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { readBundleFile } from './bundle-set.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, plain, printJson } from './print.ts';
import { federationJson } from './show-federation.ts';
import { required } from './usage.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly trustDomain?: string;
  readonly url?: string;
  readonly profile?: string;
  readonly endpointSpiffeId?: string;
  readonly bundle?: string;
}

const FLAGS = ['--trust-domain', '--url', '--profile', '--endpoint-spiffe-id', '--bundle'] as const;

/** Fetches once, so that a mistake shows; the relationship stands whatever comes of it. */
export async function federationCreate(io: Io, options: Options): Promise<number> {
  const trustDomain = required(options.trustDomain, '--trust-domain');
  const request = {
    trust_domain: trustDomain,
    url: required(options.url, '--url'),
    profile: required(options.profile, '--profile'),
    endpoint_spiffe_id: options.endpointSpiffeId ?? '',
    ...(await readInitial(io, options.bundle)),
  };
  const { federation, failure } = await withAdmin(io, options, async (admin) => {
    const made = await withFlagNames(FLAGS, admin.call('CreateFederation', request));
    try {
      return { ...(await admin.call('RefreshFederation', { trust_domain: trustDomain })), failure: undefined };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { federation: now } = await admin.call('GetFederation', { trust_domain: trustDomain }).catch(() => made);
      return { federation: now, failure: error };
    }
  });
  if (failure !== undefined) {
    io.talk(`warning: the first fetch failed, and is tried again in time: ${plain(failure.message)}\n`);
    if (failure.hint !== undefined) io.talk(`  next: ${plain(failure.hint)}\n`);
  }
  if (options.output === 'json') printJson(io, { federation: federationJson(federation) });
  else
    io.out(
      `${plain(federation.trust_domain)}: ${failure === undefined ? 'its bundle is fetched' : 'made'} from ${plain(federation.url)}\n`,
    );
  return 0;
}

async function readInitial(io: Io, file: string | undefined): Promise<object> {
  if (file === undefined) return {};
  const { document, format } = await readBundleFile(io, file, '--bundle');
  return { bundle_format: format, bundle_document: document };
}
