// SPDX-License-Identifier: Apache-2.0
/** `assay identity update`: changes what is named, and nothing else. */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { identityJson, printIdentity } from './show-entry.ts';
import { usage } from './usage.ts';
import { labels, whenFlag } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly owner?: string;
  readonly deputy?: string;
  readonly purpose?: string;
  readonly env?: string;
  readonly label?: readonly string[];
  readonly reviewBy?: string;
}

const FLAGS = ['--owner', '--deputy', '--purpose', '--env', '--label', '--review-by'];

export async function identityUpdate(io: Io, options: Options, [spiffeId = '']: readonly string[]): Promise<number> {
  const { owner, deputy, purpose, env, label, reviewBy } = options;
  const said = { owner, deputy, purpose, env, labels: label, review_by: reviewBy };
  const fields = Object.entries(said).flatMap(([field, value]) => (value === undefined ? [] : [field]));
  if (fields.length === 0)
    throw usage('--owner', undefined, 'nothing to change is named', `name one of ${FLAGS.join(', ')}`);
  const request = {
    spiffe_id: spiffeId,
    fields,
    owner,
    deputy,
    purpose,
    environment: env,
    // One empty --label clears them all.
    labels: labels(
      (label ?? []).filter((one) => one !== ''),
      '--label',
    ),
    review_by: reviewBy === undefined || reviewBy === '' ? undefined : whenFlag(reviewBy, '--review-by', io.now()),
  };
  const call = withAdmin(io, options, (admin) => admin.call('UpdateIdentity', request));
  const { identity } = await withFlagNames(FLAGS, call);
  if (options.output === 'json') printJson(io, { identity: identityJson(identity) });
  else printIdentity(io, identity);
  return 0;
}
