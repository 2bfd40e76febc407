// SPDX-License-Identifier: Apache-2.0
/** Asks the daemon to bind this very process. The connection stays open: the exec closes it, which tells the daemon. */
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import { loadProtoDefinition } from '../api/proto.ts';
import { fromStatus } from '../api/status.ts';
import { Failure } from '../lib/failure.ts';
import type { Announcement } from './exec-program.ts';
import { usage } from './usage.ts';
import type { WorkloadPlace } from './workload-place.ts';

const ANSWER_WITHIN_MS = 10_000;

/** Rejects with the daemon's own Failure, or with one that says why there is no daemon. */
export async function bindThisProcess(
  place: WorkloadPlace,
  spiffeId: string,
  announced: Announcement | undefined,
): Promise<void> {
  const { endpoint } = place;
  if (endpoint.kind !== 'unix') {
    throw usage('--socket', endpoint.uri, 'is no unix socket, so nobody could tell who asks', 'name a unix:// socket');
  }
  const definition = loadProtoDefinition('assay/launcher/v1/launcher.proto');
  const service = definition['assay.launcher.v1.Launcher'] as Record<string, MethodDefinition<object, object>>;
  const method = service['Bind']!;
  const metadata = new Metadata();
  metadata.set('workload.spiffe.io', 'true');
  const client = new Client(endpoint.target, credentials.createInsecure(), {
    'grpc.enable_channelz': 0,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_http_proxy': 0,
  });
  const request = { spiffe_id: spiffeId, ...(announced === undefined ? {} : { program: toWire(announced) }) };
  try {
    await new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadata,
        { deadline: Date.now() + ANSWER_WITHIN_MS },
        (error) => (error === null ? resolve() : reject(error)),
      );
    });
  } catch (error) {
    client.close();
    throw await explained(error as ServiceError, place);
  }
}

function toWire({ major, minor, inode, argumentsSha256 }: Announcement): object {
  return {
    device_major: String(major),
    device_minor: String(minor),
    inode: String(inode),
    arguments_sha256: argumentsSha256,
  };
}

async function explained(error: ServiceError, place: WorkloadPlace): Promise<Failure> {
  const failure = fromStatus(error);
  if (failure.reason === 'GRPC_UNAVAILABLE' || failure.reason === 'GRPC_DEADLINE_EXCEEDED') {
    return (await place.whyNot()) ?? noAnswer(place, error);
  }
  if (failure.kind !== 'unimplemented') return failure;
  const why = `the daemon at ${place.endpoint.uri} launches nothing: it is another program, or of another version`;
  return new Failure('unimplemented', 'LAUNCHER_OFF', why, { cause: error });
}

function noAnswer(place: WorkloadPlace, cause: unknown): Failure {
  const why = `the daemon at ${place.endpoint.uri} did not answer within ${ANSWER_WITHIN_MS / 1_000} s`;
  return new Failure('unavailable', 'NO_ANSWER', why, { hint: 'look at its log', cause });
}
