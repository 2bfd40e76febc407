// SPDX-License-Identifier: Apache-2.0
/** A bare client of TaskService: one Run, as it is heard. */
import * as grpc from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import { loadProtoDefinition } from '../../src/api/proto.ts';
import { Messages, securityHeader } from './workload-client.ts';

const methods = loadProtoDefinition('assay/task/v1/task.proto')['assay.task.v1.TaskService'] as Record<
  string,
  MethodDefinition<object, object>
>;

export const RUN = methods['Run'] as MethodDefinition<object, RunMessage>;

export interface RunAsked {
  readonly purpose?: string;
  readonly identity?: string;
  readonly parent?: string;
  readonly intents?: readonly string[];
  readonly ttl_ms?: number;
}

export interface RunMessage {
  readonly pending?: { readonly task_id: string };
  readonly active?: { readonly task_id: string; readonly spiffe_id: string; readonly socket: string };
  readonly ended?: { readonly task_id: string; readonly end: string; readonly reason: string };
}

export class TaskClient {
  readonly client: grpc.Client;

  constructor(socket: string) {
    this.client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  run(asked: RunAsked = {}, metadata = securityHeader()): Messages<RunMessage> {
    const { path, requestSerialize, responseDeserialize } = RUN;
    const request = { purpose: 'ticket 4711', intents: ['crm:read'], ...asked };
    return new Messages(
      this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata),
    );
  }

  end(taskId: string, failed = false, summary = ''): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = methods['End'] as MethodDefinition<object, object>;
    const request = { task_id: taskId, failed, summary };
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, securityHeader(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }

  close(): void {
    this.client.close();
  }
}
