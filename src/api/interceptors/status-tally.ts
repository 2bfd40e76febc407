// SPDX-License-Identifier: Apache-2.0
/** Counts the calls that end with a refusal or a failure, by its reason. */
import { ResponderBuilder, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';

export function statusTally(refused: { add(reason: string): void }): ServerInterceptor {
  return (_, call) =>
    new ServerInterceptingCall(
      call,
      new ResponderBuilder()
        .withSendStatus((ended, next) => {
          const { code, metadata } = ended;
          if (code !== status.OK) {
            const [reason] = metadata?.get('assay-reason') ?? [];
            refused.add(typeof reason === 'string' ? reason : `GRPC_${status[code as status]}`);
          }
          next(ended);
        })
        .build(),
    );
}
