// SPDX-License-Identifier: Apache-2.0
/**
 * Who may do what on the admin socket: a table with a row per RPC, and the rules its words stand for (attacks B3, C1).
 *
 * The caller is who the kernel named at connect; a uid means something only in the daemon's own namespaces, so a caller from
 * a container is refused whatever uid it shows. Every refusal names what would be needed.
 */
import { Failure, quote } from '../../lib/failure.ts';
import type { RpcName } from './wire.ts';

/** As `peer/` named it at connect. */
export interface AdminCaller {
  readonly uid: number;
  readonly pid: number;
  /** Shares the daemon's user, pid and mount namespaces. */
  readonly sameNamespaces: boolean;
}

export interface AdminRole {
  readonly role: 'registrar';
  readonly uid: number;
  /** Ends with a slash: what lies below it. */
  readonly spiffeIdPrefix: string;
}

/**
 * - `anyone`: also a caller who will be refused everything else; tells it why.
 * - `signed`: whoever is in the daemon's own namespaces; what is in the message is signed, and by whom is what counts (C2).
 * - `read`: root, the daemon's own uid, any role.
 * - `write`: root or the daemon's own uid.
 * - `write below prefix`: they, or a registrar whose prefix covers each SPIFFE ID that is written.
 * - `launch below prefix`: they, or a launcher whose prefix covers the SPIFFE ID (`../launcher/authorisation.ts`). A
 *   launcher may do nothing else.
 */
export type Access = 'anyone' | 'signed' | 'read' | 'write' | 'write below prefix' | 'launch below prefix';

/** On the workload socket, which every uid may open. */
export const LAUNCHER_ACCESS = { Bind: 'launch below prefix' } as const satisfies Record<string, Access>;

export const ACCESS: Readonly<Record<RpcName, Access>> = {
  CreateEntry: 'write below prefix',
  GetEntry: 'read',
  ListEntries: 'read',
  CountEntries: 'read',
  UpdateEntry: 'write below prefix',
  DeleteEntry: 'write below prefix',
  GetIdentity: 'read',
  ListIdentities: 'read',
  SuspendIdentity: 'write below prefix',
  ResumeIdentity: 'write below prefix',
  CreateIdentity: 'write below prefix',
  UpdateIdentity: 'write below prefix',
  ActivateIdentity: 'write below prefix',
  RenewIdentity: 'write below prefix',
  RetireIdentity: 'write below prefix',
  ListHumans: 'read',
  AddHuman: 'write',
  UpdateHuman: 'write',
  DeactivateHuman: 'write',
  AddHumanKey: 'write',
  AskKeyStatement: 'write',
  VouchHumanKey: 'write',
  RemoveHumanKey: 'write',
  GetSvid: 'read',
  ListSvids: 'read',
  RevokeSvids: 'write below prefix',
  GetOwnBundle: 'read',
  GetBundle: 'read',
  ListBundles: 'read',
  SetBundle: 'write',
  DeleteBundle: 'write',
  GetBundleMap: 'read',
  SetBundleMap: 'write',
  CreateFederation: 'write',
  GetFederation: 'read',
  ListFederations: 'read',
  RefreshFederation: 'write',
  DeleteFederation: 'write',
  GetAuthorities: 'read',
  PrepareAuthority: 'write',
  ActivateAuthority: 'write',
  TaintAuthority: 'write',
  RevokeAuthority: 'write',
  ExplainProcess: 'read',
  ExplainIdentity: 'read',
  GetHealth: 'read',
  GetDoctor: 'read',
  GetFederationDoctor: 'read',
  AcceptClock: 'write',
  ListEvents: 'read',
  GetEventProof: 'read',
  GetCheckpoint: 'read',
  RedactEvent: 'write',
  GetFinding: 'read',
  ListFindings: 'read',
  // Whoever may write below a prefix would close what was found of its own.
  CloseFinding: 'write',
  GetReport: 'read',
  ListTargets: 'read',
  PutTarget: 'write',
  RetireTarget: 'write',
  ListPolicies: 'read',
  GetPolicy: 'read',
  // Whoever may write below a prefix would permit its own identities anything.
  ApplyPolicy: 'write',
  RollbackPolicy: 'write',
  ShadowPolicy: 'write',
  ExplainDecision: 'read',
  RequestGrant: 'write',
  GetGrant: 'read',
  ListGrants: 'read',
  RevokeGrant: 'write',
  GetApproval: 'read',
  ListApprovals: 'read',
  SubmitVote: 'signed',
  GetTask: 'read',
  ListTasks: 'read',
  EndTask: 'write',
  WhoAmI: 'anyone',
};

export class Authorisation {
  readonly #daemonUid: number;
  readonly #roles: readonly AdminRole[];

  constructor(opts: { readonly daemonUid: number; readonly roles: readonly AdminRole[] }) {
    this.#daemonUid = opts.daemonUid;
    this.#roles = opts.roles;
  }

  rolesOf(caller: AdminCaller): readonly AdminRole[] {
    return this.#roles.filter((role) => role.uid === caller.uid);
  }

  /** What keeps the caller from this RPC before anything of the request was looked at, or undefined. */
  refusal(rpc: RpcName, caller: AdminCaller): Failure | undefined {
    const access = ACCESS[rpc];
    if (access === 'anyone') return undefined;
    // guard: B3 test/api/admin/authorisation.test.ts — uid 0 of another namespace is not our root
    if (!caller.sameNamespaces)
      return this.#refuse(
        'CALLER_OUTSIDE',
        `the caller (uid ${caller.uid}, pid ${caller.pid}) is not in the daemon's own user, pid and mount namespaces, as from inside a container`,
        'run the command on the host, outside any container',
      );
    if (access === 'signed' || this.#administers(caller)) return undefined;
    const roles = this.rolesOf(caller);
    // guard: C1 test/api/admin/authorisation.test.ts
    if (roles.length === 0) {
      return this.#refuse(
        access === 'read' ? 'READ_NOT_ALLOWED' : 'WRITE_NOT_ALLOWED',
        `uid ${caller.uid} may not ${access === 'read' ? 'read here' : 'change anything'}; ${rpc} needs ${this.#needed(access)}`,
        this.#rolesHint(caller),
      );
    }
    // guard: C1 test/api/admin/authorisation.test.ts
    if (access === 'write') {
      return this.#refuse(
        'WRITE_NOT_ALLOWED',
        `uid ${caller.uid} is a registrar; ${rpc} needs ${this.#needed(access)}`,
        'ask whoever runs the daemon',
      );
    }
    return undefined;
  }

  /** For `write below prefix`: throws unless the caller may write this SPIFFE ID. `spiffeId` has been through the parser. */
  assertMayWrite(caller: AdminCaller, spiffeId: string): void {
    if (this.#administers(caller)) return;
    const roles = this.rolesOf(caller);
    // The prefix ends with a slash and an ID is never folded, so this compares whole segments.
    if (roles.some((role) => spiffeId.startsWith(role.spiffeIdPrefix))) return;
    const prefixes = roles.map((role) => role.spiffeIdPrefix).join(', ');
    // guard: C1 test/api/admin/authorisation.test.ts
    throw this.#refuse(
      'OUTSIDE_PREFIX',
      `uid ${caller.uid} is a registrar below ${prefixes}, and ${quote(spiffeId)} is not below it`,
      `ask for an ID below ${roles[0]?.spiffeIdPrefix}, or whoever runs the daemon`,
      spiffeId,
    );
  }

  /** Everything there is to say about a caller, for `WhoAmI`. */
  mayWrite(caller: AdminCaller): 'everything' | 'below_prefixes' | 'nothing' {
    if (!caller.sameNamespaces) return 'nothing';
    if (this.#administers(caller)) return 'everything';
    return this.rolesOf(caller).length > 0 ? 'below_prefixes' : 'nothing';
  }

  /** Without root only the daemon's own uid administers: root of a namespace it cannot look into proves nothing (B3). */
  #administers(caller: AdminCaller): boolean {
    return caller.uid === this.#daemonUid;
  }

  #needed(access: Access): string {
    const administrators = this.#daemonUid === 0 ? 'root' : `uid ${this.#daemonUid}, the daemon's own`;
    switch (access) {
      case 'anyone':
        return 'nothing';
      case 'signed':
        return 'a signature';
      case 'read':
        return `${administrators}, or a role`;
      case 'write':
        return administrators;
      case 'write below prefix':
        return `${administrators}, or the role registrar for a prefix of the SPIFFE ID`;
      case 'launch below prefix':
        return `${administrators}, or the role launcher for a prefix of the SPIFFE ID`;
    }
  }

  #rolesHint(caller: AdminCaller): string {
    if (this.#daemonUid !== 0) return `run the command as uid ${this.#daemonUid}`;
    return `run the command as root, or give uid ${caller.uid} a role: admin.roles in the daemon's configuration`;
  }

  #refuse(reason: string, message: string, hint: string, spiffeId?: string): Failure {
    return new Failure('permission-denied', reason, message, {
      hint,
      ...(spiffeId === undefined ? {} : { field: 'spiffe_id', value: quote(spiffeId) }),
    });
  }
}
