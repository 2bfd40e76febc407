// SPDX-License-Identifier: Apache-2.0
/**
 * gRPC server reflection, v1 and v1alpha (WEP-17). A small question has a large answer, so the next question is read only
 * when the connection has taken the answer to the last one: an asker that reads nothing makes the daemon hold one
 * answer, and is reset after a while (attack B4).
 */
import { type Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Clock } from '../../lib/clock.ts';
import { servedMethod } from '../proto.ts';
import { StreamFollower } from '../stream-follower.ts';
import type { Descriptors } from './descriptors.ts';

export interface ReflectionOptions {
  /** What is described; files of `proto/`. */
  readonly files: readonly string[];
  readonly undrainedMs: number;
  readonly clock: Clock;
}

interface Request {
  readonly host: string;
  readonly message_request?: string;
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
}

const VERSIONS = ['v1', 'v1alpha'] as const;

/** The paths that are served from now on. */
export function addReflection(server: Server, options: ReflectionOptions): readonly string[] {
  const { responseSerialize, requestDeserialize } = servedMethod(
    'reflection.proto',
    'grpc.reflection.v1.ServerReflection',
    'ServerReflectionInfo',
  );
  // Made for the first asker: it costs a quarter of a start, and most daemons are never asked.
  let described: Promise<Descriptors> | undefined;
  const handle = (call: ServerDuplexStream<Request, object>): void => {
    described ??= import('./descriptors.ts').then(({ describe }) => describe(options.files));
    described.then((known) => converse(call, known, options)).catch(() => call.destroy());
  };
  return VERSIONS.map((version) => {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    server.register(path, handle as never, responseSerialize, requestDeserialize, 'bidi');
    return path;
  });
}

async function converse(
  call: ServerDuplexStream<Request, object>,
  described: Descriptors,
  options: ReflectionOptions,
): Promise<void> {
  const follower = new StreamFollower<object, object>({ ...options, call: call as never, toMessage: (x) => x });
  for await (const request of call as AsyncIterable<Request>) {
    const taken = follower.send(answer(request, described));
    // guard: B4 test/api/reflection.test.ts — one answer at a time
    await taken;
  }
  call.end();
}

function answer(request: Request, described: Descriptors): object {
  const head = { valid_host: request.host, original_request: request };
  switch (request.message_request) {
    case 'list_services':
      return { ...head, list_services_response: { service: described.services.map((name) => ({ name })) } };
    case 'file_by_filename':
      return { ...head, ...filesOf(request.file_by_filename ?? '', described) };
    case 'file_containing_symbol':
      return { ...head, ...filesOf(described.fileOf.get(request.file_containing_symbol ?? '') ?? '', described) };
    default:
      // There are no extensions in proto3 but of options, and none here.
      return { ...head, error_response: { error_code: status.NOT_FOUND, error_message: 'no such extension' } };
  }
}

function filesOf(name: string, described: Descriptors): object {
  const files = described.filesFrom(name);
  if (files.length > 0) return { file_descriptor_response: { file_descriptor_proto: files } };
  return { error_response: { error_code: status.NOT_FOUND, error_message: 'no such file or symbol' } };
}
