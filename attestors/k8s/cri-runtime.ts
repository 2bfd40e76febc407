// SPDX-License-Identifier: Apache-2.0
/**
 * containerd and CRI-O over the Container Runtime Interface (k8s.io/cri-api, pkg/apis/runtime/v1/api.proto). The pid of a
 * container's first process is in what `ContainerStatus` adds when asked to be verbose: JSON under `info`, with `pid`
 * (containerd `pkg/cri/types`, CRI-O `server/container_status.go`).
 */
import { CallFailed, unaryCall } from './grpc-unary.ts';
import { fieldOf, mapOf, NoMessage, textField, textOf, trueField } from './protobuf.ts';
import {
  type ContainerRecord,
  type ContainerRuntime,
  MOST_RECORD_BYTES,
  type RuntimeTools,
  recordOf,
  runtimeFailed,
} from './runtime.ts';
import { withinTime } from './time-limit.ts';
import { K8sError } from './trouble.ts';

const PATH = '/runtime.v1.RuntimeService/ContainerStatus';
/** Field numbers of api.proto. */
const REQUEST = { containerId: 1, verbose: 2 };
const RESPONSE = { status: 1, info: 2 };
const STATUS = { id: 1, labels: 12 };
/** google.rpc.Code */
const NOT_FOUND = 5;

export function criRuntime(tools: RuntimeTools): ContainerRuntime {
  const { clock, timeoutMs } = tools;
  return {
    record: (id, signal) => withinTime({ clock, ms: timeoutMs, signal }, (inner) => ask(id, tools, inner), spoken),
  };
}

async function ask(id: string, { connect }: RuntimeTools, signal: AbortSignal): Promise<ContainerRecord | undefined> {
  const message = Buffer.concat([textField(REQUEST.containerId, id), trueField(REQUEST.verbose)]);
  try {
    return parse(
      id,
      await unaryCall(await connect(signal), { path: PATH, message, mostBytes: MOST_RECORD_BYTES, signal }),
    );
  } catch (error) {
    if (error instanceof CallFailed && error.status === NOT_FOUND) return undefined;
    throw error;
  }
}

function parse(id: string, response: Buffer): ContainerRecord | undefined {
  const status = fieldOf(response, RESPONSE.status);
  // guard: A10 test/attestors/k8s/cri-runtime.test.ts — it was asked about this one
  if (textOf(status, STATUS.id) !== id) throw runtimeFailed('answers for another container');
  const pid = pidIn(mapOf(response, RESPONSE.info).get('info'));
  return pid === undefined ? undefined : recordOf(pid, mapOf(status, STATUS.labels));
}

/** Undefined for a container that has ended. */
function pidIn(info: string | undefined): number | undefined {
  if (info === undefined) throw runtimeFailed('tells no pid of a container');
  let parsed: unknown;
  try {
    parsed = JSON.parse(info);
  } catch {
    throw runtimeFailed('describes a container in something that is no JSON');
  }
  const pid = (parsed as { pid?: unknown } | null)?.pid ?? 0;
  if (!Number.isSafeInteger(pid)) throw runtimeFailed('tells a pid that is no number');
  return (pid as number) > 0 ? (pid as number) : undefined;
}

function spoken(error: unknown, late: boolean): unknown {
  if (late) return runtimeFailed('does not answer in time');
  if (error instanceof K8sError) return error;
  if (error instanceof CallFailed) return runtimeFailed(error.message, error);
  if (error instanceof NoMessage) return runtimeFailed('answers with something that is no CRI message', error);
  const code = (error as NodeJS.ErrnoException).code;
  return code === undefined ? error : runtimeFailed(`cannot be asked (${code})`, error);
}
