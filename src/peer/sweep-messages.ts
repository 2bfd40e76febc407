// SPDX-License-Identifier: Apache-2.0
/** What the sweep process is told and what it says. */
import type { Baseline } from './baseline.ts';
import type { EndReason } from './process-handle.ts';

export interface SweepRow {
  readonly serial: number;
  readonly pid: number;
  /** To compare with; undefined while the kernel reports execs. */
  readonly baseline: Baseline | undefined;
  /** The text of /proc/PID/cgroup to compare with; undefined where nobody rests on it. */
  readonly cgroup: string | undefined;
  /** Held the sweep up before, or was among those who may have: looked at alone. */
  readonly careful: boolean;
}

export type SweepOrder =
  /** Replaces what was said of this process before. */
  { readonly kind: 'add'; readonly row: SweepRow } | { readonly kind: 'remove'; readonly serial: number };

export type SweepReport =
  /** Said before looking: if nothing more comes, one of these holds the sweep up. */
  | { readonly kind: 'looking'; readonly serials: readonly number[] }
  | { readonly kind: 'changed'; readonly serial: number; readonly reason: EndReason }
  /** Everyone has been looked at. */
  | { readonly kind: 'swept' };
