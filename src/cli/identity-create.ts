// SPDX-License-Identifier: Apache-2.0
/** `assay identity create` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { identityJson, printIdentity } from './show-entry.ts';
import { labels, whenFlag } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly owner?: string;
  readonly deputy?: string;
  readonly purpose?: string;
  readonly kind?: string;
  readonly env?: string;
  readonly label?: readonly string[];
  readonly expires?: string;
  readonly reviewBy?: string;
  readonly draft?: boolean;
}

const FLAGS = ['--owner', '--deputy', '--purpose', '--kind', '--env', '--label', '--expires', '--review-by'];

export async function identityCreate(io: Io, options: Options, [spiffeId = '']: readonly string[]): Promise<number> {
  const { expires, reviewBy } = options;
  const request = {
    spiffe_id: spiffeId,
    owner: options.owner,
    deputy: options.deputy,
    purpose: options.purpose,
    kind: options.kind,
    environment: options.env,
    labels: labels(options.label ?? [], '--label'),
    expires_at: expires === undefined ? undefined : whenFlag(expires, '--expires', io.now()),
    review_by: reviewBy === undefined ? undefined : whenFlag(reviewBy, '--review-by', io.now()),
    draft: options.draft,
  };
  const call = withAdmin(io, options, (admin) => admin.call('CreateIdentity', request));
  const { identity } = await withFlagNames(FLAGS, call);
  if (options.output === 'json') printJson(io, { identity: identityJson(identity) });
  else printIdentity(io, identity);
  return 0;
}
