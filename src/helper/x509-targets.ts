// SPDX-License-Identifier: Apache-2.0
/** The outputs that hold X.509 identities, fed by one stream of FetchX509SVID. */
import type { SourceOptions } from '../client/followed.ts';
import type { WireX509Svids } from '../client/workload-api.ts';
import { readX509State, type X509State } from '../client/x509-state.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import { Feed } from './feed.ts';
import { readPassword } from './password-file.ts';
import { renderX509 } from './render-x509.ts';
import type { Output, X509Output } from './settings.ts';
import type { Target } from './target.ts';

export type X509Wish = Output & { readonly x509: X509Output };

export const hasX509 = (output: Output): output is X509Wish => output.x509 !== undefined;

export interface X509Pair {
  readonly output: X509Wish;
  readonly target: Target;
}

export interface X509TargetsTools {
  readonly source: SourceOptions;
  readonly now: () => number;
  readonly random: Random;
  readonly uid: number;
  readonly gid: number;
}

export function followX509(pairs: readonly X509Pair[], tools: X509TargetsTools): Feed<WireX509Svids, X509State> {
  const feed: Feed<WireX509Svids, X509State> = new Feed({
    what: 'identity',
    source: tools.source,
    fetch: (api) => api.fetchX509Svids(),
    read: readX509State,
    onState: (state) => {
      for (const pair of pairs) void offer(pair, state, () => feed.held === state, tools);
    },
    onTrouble: (problem) => {
      for (const { target } of pairs) target.lacks(problem);
    },
  });
  return feed;
}

/** A password is read anew each time, so that a changed one holds from the next rotation on. */
async function offer(
  { output, target }: X509Pair,
  state: X509State,
  isNewest: () => boolean,
  { now, random, uid, gid }: X509TargetsTools,
): Promise<void> {
  try {
    const { passwordFile } = output.x509;
    const password = passwordFile === undefined ? '' : await readPassword(passwordFile, uid, gid);
    // A message that came while the password was read has its own turn.
    if (isNewest()) target.offer(renderX509(state, output, now(), { password, random }));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    target.lacks(error.message);
  }
}
