// SPDX-License-Identifier: Apache-2.0
/**
 * The launcher's door, on the workload socket: whoever is to be launched has any uid, and the admin socket is for a few
 * (docs/decisions). One method, which binds the peer of its own connection and can name nobody else (attack A12).
 */
import type { Server, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { SpiffeId } from '../../identity/spiffe-id.ts';
import type { Clock } from '../../lib/clock.ts';
import { Failure, quote } from '../../lib/failure.ts';
import type { AnnouncedProgram, LaunchTerms } from '../../peer/launch-terms.ts';
import type { Peer } from '../../peer/peer.ts';
import type { ProcessHandle } from '../../peer/process-handle.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { PacedWarnings } from '../../telemetry/paced.ts';
import type { LAUNCHER_ACCESS } from '../admin/authorisation.ts';
import { servedMethod } from '../proto.ts';
import { toStatus } from '../status.ts';
import { LaunchAuthorisation, type LauncherRule } from './authorisation.ts';

export const LAUNCHER_PROTO = 'assay/launcher/v1/launcher.proto';
export const LAUNCHER_SERVICE = 'assay.launcher.v1.Launcher';
/** The one method of `LAUNCHER_ACCESS`. */
const BIND: keyof typeof LAUNCHER_ACCESS = 'Bind';

export interface LauncherDeps {
  /** Undefined while the launcher attestor is off: then nothing is bound. */
  readonly launches:
    | {
        bind(
          process: ProcessHandle,
          terms: LaunchTerms,
        ): Promise<{ id: string; execWithinMs: number; connectionClosed(): void }>;
      }
    | undefined;
  readonly registry: { entriesOf(spiffeId: string): readonly { readonly selectors: readonly string[] }[] };
  readonly daemonUid: number;
  readonly rules: readonly LauncherRule[];
  readonly peerOf: (call: { getPeer(): string }) => Peer;
  /** Calls once when the call's connection has closed. */
  readonly onConnectionClose: (call: { getPeer(): string }, closed: () => void) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

interface BindRequest {
  readonly spiffe_id: string;
  readonly program: {
    readonly device_major: string;
    readonly device_minor: string;
    readonly inode: string;
    readonly arguments_sha256: Buffer;
  } | null;
}

type Call = ServerUnaryCall<BindRequest, unknown>;

/** Returns the paths that are served. */
export function addLauncherService(server: Server, deps: LauncherDeps): ReadonlySet<string> {
  const may = new LaunchAuthorisation(deps);
  const warnings = new PacedWarnings(deps.log, deps.clock);
  const { path, responseSerialize, requestDeserialize } = servedMethod(LAUNCHER_PROTO, LAUNCHER_SERVICE, BIND);
  const serve = (call: Call, callback: sendUnaryData<unknown>): void => {
    bind(call, may, deps).then(
      (response) => callback(null, response),
      (error: unknown) => {
        const sort = error instanceof Failure ? error.reason : 'INTERNAL';
        warnings.warn(sort, { ...callerOf(call, deps), err: error }, 'a launch was refused');
        callback({ name: 'Error', message: '', ...toStatus(error) });
      },
    );
  };
  server.register(path, serve as never, responseSerialize, requestDeserialize, 'unary');
  return new Set([path]);
}

async function bind(call: Call, may: LaunchAuthorisation, deps: LauncherDeps): Promise<object> {
  const { process, sameNamespaces } = deps.peerOf(call);
  const { uid, pid } = process;
  const spiffeId = SpiffeId.parseWorkload(call.request.spiffe_id, 'spiffe_id').toString();
  const allowances = may.allowances({ uid, pid, sameNamespaces }, spiffeId);
  const { launches } = deps;
  if (launches === undefined) throw off();
  checkEntries(deps, spiffeId);
  const bound = await launches.bind(process, { ...allowances, spiffeId, announced: readProgram(call.request) });
  deps.onConnectionClose(call, () => bound.connectionClosed());
  deps.log.info({ launch: bound.id, pid, uid, spiffeId }, 'a process was bound, and will be known once it execs');
  return { launch_id: bound.id, exec_within_ms: bound.execWithinMs, children: allowances.children };
}

function callerOf(call: Call, { peerOf }: LauncherDeps): object {
  try {
    const { pid, uid } = peerOf(call).process;
    return { pid, uid };
  } catch {
    return {};
  }
}

/** Said before the program starts, which would otherwise wonder why it gets nothing. */
function checkEntries({ registry }: LauncherDeps, spiffeId: string): void {
  const entries = registry.entriesOf(spiffeId);
  if (entries.some(({ selectors }) => selectors.some((one) => one.startsWith('launcher:')))) return;
  const why =
    entries.length === 0
      ? `there is no entry of ${quote(spiffeId)}, so the program would get no identity`
      : `no entry of ${quote(spiffeId)} names a selector of the launcher, so to be launched would change nothing`;
  throw new Failure('failed-precondition', 'LAUNCH_NO_ENTRY', why, {
    field: 'spiffe_id',
    value: quote(spiffeId),
    hint: `assay entry create --spiffe-id ${spiffeId} --selector launcher:spiffe_id:${spiffeId}`,
  });
}

function readProgram({ program }: BindRequest): AnnouncedProgram | undefined {
  if (program === null) return undefined;
  const { device_major: major, device_minor: minor, inode, arguments_sha256: digest } = program;
  if (digest.length !== 32) {
    throw new Failure('invalid-argument', 'LAUNCH_PROGRAM_INVALID', 'program.arguments_sha256: is no SHA-256 digest', {
      field: 'program.arguments_sha256',
      hint: 'send 32 bytes',
    });
  }
  return {
    deviceMajor: BigInt(major),
    deviceMinor: BigInt(minor),
    inode: BigInt(inode),
    argumentsSha256: digest.toString('hex'),
  };
}

function off(): Failure {
  return new Failure(
    'failed-precondition',
    'LAUNCHER_OFF',
    'this daemon launches nothing: its launcher attestor is off',
    {
      hint: 'add "launcher: {}" below attestors (beside "unix: {}") in its configuration',
    },
  );
}
