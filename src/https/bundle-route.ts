// SPDX-License-Identifier: Apache-2.0
/** The bundle endpoint of our trust domain: one document, the newest, for everybody (SPIFFE Federation section 5; FED-03, FED-04). */
import type { Route } from './routes.ts';

export interface OwnDocument {
  readonly text: string;
  readonly refreshHintSeconds: number;
}

/** A cache on the way must not make a key's announcement late: it may keep the document for a fraction of the hint. */
const SHARE_OF_HINT = 4;

export function bundleRoute(newest: () => OwnDocument): Route {
  return () => {
    const { text, refreshHintSeconds } = newest();
    const maxAge = Math.floor(refreshHintSeconds / SHARE_OF_HINT);
    return { contentType: 'application/json', body: text, cacheControl: `public, max-age=${maxAge}, must-revalidate` };
  };
}
