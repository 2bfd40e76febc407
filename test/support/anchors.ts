// SPDX-License-Identifier: Apache-2.0
import type { BundleContent } from '../../src/store/records.ts';

/** A bundle of X.509 anchors alone, as set by hand. */
export function anchors(certificates: readonly Buffer[]): BundleContent {
  return { certificates, jwtKeys: [], sequence: null, refreshHintSeconds: null };
}
