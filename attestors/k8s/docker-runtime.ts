// SPDX-License-Identifier: Apache-2.0
/** Docker as the runtime of a kubelet (dockershim, cri-dockerd): `GET /containers/{id}/json` of the Docker Engine API. */
import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
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

export function dockerRuntime(tools: RuntimeTools): ContainerRuntime {
  const { clock, timeoutMs } = tools;
  return {
    record: (id, signal) => withinTime({ clock, ms: timeoutMs, signal }, (inner) => ask(id, tools, inner), spoken),
  };
}

async function ask(id: string, { connect }: RuntimeTools, signal: AbortSignal): Promise<ContainerRecord | undefined> {
  const response = await open(`/containers/${id}/json`, await connect(signal), signal);
  const body = await whole(response);
  if (response.statusCode === 404) return undefined;
  if (response.statusCode !== 200) throw runtimeFailed(`answers with status ${response.statusCode}`);
  return parse(id, body);
}

function open(path: string, socket: Duplex, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', accept: 'application/json' };
    const sent = request({ path, headers, createConnection: () => socket, signal });
    // Stays: what breaks later is told by the response too.
    sent.once('response', resolve).on('error', reject).end();
  });
}

async function whole(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    // guard: I9 test/attestors/k8s/docker-runtime.test.ts
    if (bytes > MOST_RECORD_BYTES) throw runtimeFailed(`answers with over ${MOST_RECORD_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}

interface Answer {
  readonly Id?: unknown;
  readonly State?: { readonly Running?: unknown; readonly Pid?: unknown } | null;
  readonly Config?: { readonly Labels?: unknown } | null;
}

function parse(id: string, body: Buffer): ContainerRecord | undefined {
  const answer = parsed(body);
  // guard: A10 test/attestors/k8s/docker-runtime.test.ts — it was asked about this one
  if (answer.Id !== id) throw runtimeFailed('answers for another container');
  const pid = answer.State?.Pid;
  if (answer.State?.Running !== true || !Number.isSafeInteger(pid) || (pid as number) <= 0) return undefined;
  const labels = Object.entries(answer.Config?.Labels ?? {}).filter(([, value]) => typeof value === 'string');
  return recordOf(pid as number, new Map(labels));
}

function parsed(body: Buffer): Answer {
  try {
    return (JSON.parse(body.toString('utf8')) as Answer | null) ?? {};
  } catch {
    throw runtimeFailed('answers with something that is no JSON');
  }
}

function spoken(error: unknown, late: boolean): unknown {
  if (late) return runtimeFailed('does not answer in time');
  const code = (error as NodeJS.ErrnoException).code;
  if (error instanceof K8sError || code === undefined) return error;
  return runtimeFailed(`cannot be asked (${code})`, error);
}
