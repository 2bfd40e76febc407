// SPDX-License-Identifier: Apache-2.0
/** An interceptor that looks at a call once, when its headers are in, and lets it through or ends it with a status. */
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { toStatus } from '../status.ts';

export interface Arrived {
  /** `/Service/Method`. */
  readonly path: string;
  readonly metadata: Metadata;
  getPeer(): string;
  /** Runs once when the call is over, however it ends. */
  onOver(fn: () => void): void;
}

export function refuseUnless(check: (call: Arrived) => void): ServerInterceptor {
  return (method, call) => {
    const over: (() => void)[] = [];
    return new ServerInterceptingCall(
      call,
      new ResponderBuilder()
        .withStart((next) => {
          next(
            new ServerListenerBuilder()
              .withOnReceiveMetadata((metadata, pass) => {
                try {
                  check({
                    path: method.path,
                    metadata,
                    getPeer: () => call.getPeer(),
                    onOver: (fn) => void over.push(fn),
                  });
                } catch (error) {
                  call.sendStatus(toStatus(error));
                  return;
                }
                pass(metadata);
              })
              .withOnCancel(() => {
                for (const fn of over.splice(0)) fn();
              })
              .build(),
          );
        })
        .build(),
    );
  };
}
