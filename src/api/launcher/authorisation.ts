// SPDX-License-Identifier: Apache-2.0
/**
 * Who may launch what, and on which terms (attacks A12, C1): root and the daemon's own uid anything, others what a role
 * `launcher` of the configuration names. No request, entry or variable widens it. As everywhere, a uid means something only
 * in the daemon's own namespaces (attack B3).
 */
import { Failure, quote } from '../../lib/failure.ts';
import type { AdminCaller } from '../admin/authorisation.ts';

/** What a launched program may do. */
export interface LaunchAllowances {
  readonly allowExec: boolean;
  readonly allowUidChange: boolean;
  readonly children: boolean;
  readonly programs: readonly string[] | undefined;
}

export interface LauncherRule extends LaunchAllowances {
  readonly uid: number;
  /** Ends with a slash: what lies below it. */
  readonly spiffeIdPrefix: string;
}

/** Of whoever needs no rule: any program, once. */
const PLAIN: LaunchAllowances = { allowExec: false, allowUidChange: false, children: false, programs: undefined };

export class LaunchAuthorisation {
  readonly #daemonUid: number;
  readonly #rules: readonly LauncherRule[];

  constructor(opts: { readonly daemonUid: number; readonly rules: readonly LauncherRule[] }) {
    this.#daemonUid = opts.daemonUid;
    // The most particular rule first.
    this.#rules = [...opts.rules].sort((a, b) => b.spiffeIdPrefix.length - a.spiffeIdPrefix.length);
  }

  /** On which terms the caller may launch this SPIFFE ID, which has been through the parser. Throws when it may not. */
  allowances(caller: AdminCaller, spiffeId: string): LaunchAllowances {
    // guard: B3, A12 test/api/launcher/authorisation.test.ts — uid 1001 of a container is not our user 1001
    if (!caller.sameNamespaces) throw outside(caller);
    const own = this.#rules.filter(({ uid }) => uid === caller.uid);
    // The prefix ends with a slash and an ID is never folded, so this compares whole segments.
    const rule = own.find(({ spiffeIdPrefix }) => spiffeId.startsWith(spiffeIdPrefix));
    if (rule !== undefined) return rule;
    // guard: A12, C1 test/api/launcher/authorisation.test.ts
    if (caller.uid !== 0 && caller.uid !== this.#daemonUid) throw this.#refused(caller, own, spiffeId);
    return PLAIN;
  }

  #refused({ uid }: AdminCaller, own: readonly LauncherRule[], spiffeId: string): Failure {
    const field = { field: 'spiffe_id', value: quote(spiffeId) };
    if (own.length > 0) {
      const prefixes = own.map(({ spiffeIdPrefix }) => spiffeIdPrefix).join(', ');
      const why = `uid ${uid} may launch below ${prefixes}, and ${quote(spiffeId)} is not below it`;
      return new Failure('permission-denied', 'LAUNCH_OUTSIDE_PREFIX', why, {
        ...field,
        hint: 'ask for an ID below it, or whoever runs the daemon',
      });
    }
    const hint =
      this.#daemonUid === 0
        ? `give it a role: admin.roles: [ { role: launcher, uid: ${uid}, spiffe_id_prefix: ... } ]`
        : `run the command as uid ${this.#daemonUid}`;
    return new Failure('permission-denied', 'LAUNCH_NOT_ALLOWED', `no rule lets uid ${uid} launch anything`, {
      ...field,
      hint,
    });
  }
}

function outside({ uid, pid }: AdminCaller): Failure {
  return new Failure(
    'permission-denied',
    'CALLER_OUTSIDE',
    `the caller (uid ${uid}, pid ${pid}) is not in the daemon's own user, pid and mount namespaces, as from inside a container`,
    { hint: 'launch on the host, outside any container' },
  );
}
