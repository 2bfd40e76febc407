// SPDX-License-Identifier: Apache-2.0
/**
 * Registers the admin service on a gRPC server. Each RPC goes through the same few steps: who calls, may they, do it, log it if
 * it wrote, answer. What a group of RPCs does is in the file named after it.
 */
import type { Server, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { Failure } from '../../lib/failure.ts';
import { servedMethod } from '../proto.ts';
import { toStatus } from '../status.ts';
import { approvalRpcs } from './approvals.ts';
import { auditRpcs } from './audit.ts';
import { ACCESS, type AdminCaller, Authorisation } from './authorisation.ts';
import { authorityRpcs } from './authorities.ts';
import { bundleMapRpcs } from './bundle-maps.ts';
import { bundleRpcs } from './bundles.ts';
import { daemonRpcs } from './daemon.ts';
import type { AdminDeps } from './deps.ts';
import { entryRpcs } from './entries.ts';
import { explainRpcs } from './explain.ts';
import { federationRpcs } from './federation.ts';
import { findingRpcs } from './findings.ts';
import { grantRpcs } from './grants.ts';
import type { Asked, Handler, Handlers } from './handler.ts';
import { identityRpcs } from './identities.ts';
import { peopleRpcs } from './people.ts';
import { policyRpcs } from './policies.ts';
import { svidRpcs } from './svids.ts';
import { targetRpcs } from './targets.ts';
import { taskRpcs } from './tasks.ts';
import type { Request, RpcName } from './wire.ts';

export const ADMIN_PROTO = 'assay/admin/v1/admin.proto';
export const ADMIN_SERVICE = 'assay.admin.v1.Admin';

/** Finds the caller of a call; throws when its connection is not known (attack A3). */
export type CallerOf = (call: { getPeer(): string }) => AdminCaller;

/** Returns the paths of the RPCs that are served. */
export function addAdminService(server: Server, deps: AdminDeps, callerOf: CallerOf): ReadonlySet<string> {
  const may = new Authorisation({ daemonUid: deps.daemon.uid, roles: deps.roles });
  const handlers: Handlers = {
    ...entryRpcs(deps),
    ...identityRpcs(deps),
    ...peopleRpcs(deps),
    ...svidRpcs(deps),
    ...bundleRpcs(deps),
    ...bundleMapRpcs(deps),
    ...federationRpcs(deps),
    ...authorityRpcs(deps),
    ...findingRpcs(deps),
    ...targetRpcs(deps),
    ...policyRpcs(deps),
    ...taskRpcs(deps),
    ...explainRpcs(deps),
    ...approvalRpcs(deps),
    ...grantRpcs(deps),
    ...auditRpcs(deps),
    ...daemonRpcs(deps),
  };
  const served = new Set<string>();
  for (const rpc of Object.keys(ACCESS) as RpcName[]) {
    const handle = handlers[rpc] as Handler<RpcName>;
    const { path, responseSerialize, requestDeserialize } = servedMethod(ADMIN_PROTO, ADMIN_SERVICE, rpc);
    const serve = (call: Call, callback: Callback): void => {
      answer(rpc, handle, may, deps, call, callerOf).then(
        (response) => callback(null, response),
        (error: unknown) => callback({ name: 'Error', message: '', ...toStatus(error) }),
      );
    };
    server.register(path, serve as never, responseSerialize, requestDeserialize, 'unary');
    served.add(path);
  }
  return served;
}

type Call = ServerUnaryCall<Request<RpcName>, unknown>;
type Callback = sendUnaryData<unknown>;

async function answer(
  rpc: RpcName,
  handle: Handler<RpcName>,
  may: Authorisation,
  deps: AdminDeps,
  call: Call,
  callerOf: CallerOf,
): Promise<unknown> {
  const caller = callerOf(call);
  const { uid, pid } = caller;
  const writes = !['anyone', 'read'].includes(ACCESS[rpc]);
  const written: string[] = [];
  const asked: Asked = {
    caller,
    actor: { uid, pid },
    may,
    assertMayWrite(spiffeId) {
      written.push(spiffeId);
      may.assertMayWrite(caller, spiffeId);
    },
  };
  const about = (): object => ({ rpc, uid, pid, ...(written.length === 0 ? {} : { spiffeId: written.at(-1) }) });
  try {
    const refusal = may.refusal(rpc, caller);
    if (refusal !== undefined) throw refusal;
    const response = await handle(call.request, asked);
    if (writes) deps.log.info(about(), 'an administrator changed something');
    return response;
  } catch (error) {
    if (!(error instanceof Failure)) deps.log.error({ ...about(), err: error }, 'an admin call failed unexpectedly');
    else if (error.kind === 'permission-denied')
      deps.log.warn({ ...about(), reason: error.reason }, 'an admin call was refused');
    else if (writes) deps.log.info({ ...about(), reason: error.reason }, 'an administrator changed nothing: refused');
    throw error;
  }
}
