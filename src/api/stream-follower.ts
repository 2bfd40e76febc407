// SPDX-License-Identifier: Apache-2.0
/**
 * A server stream as a follower: sends one message at a time and waits until the connection has taken it. A caller that
 * takes nothing for `undrainedMs` is reset, so that it cannot make the daemon hold its messages (attack B4).
 */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Follower } from '../issuance/workload-identities.ts';
import type { Clock } from '../lib/clock.ts';
import type { Failure } from '../lib/failure.ts';
import { resetStream } from './http2-bounds.ts';
import { toStatus } from './status.ts';

export interface StreamFollowerOptions<State, Message> {
  readonly call: ServerWritableStream<unknown, Message>;
  readonly toMessage: (state: State) => Message;
  readonly undrainedMs: number;
  readonly clock: Clock;
}

export class StreamFollower<State, Message> implements Follower<State> {
  readonly #options: StreamFollowerOptions<State, Message>;

  constructor(options: StreamFollowerOptions<State, Message>) {
    this.#options = options;
  }

  send(state: State): Promise<void> {
    const { call, toMessage, undrainedMs, clock } = this.#options;
    const message = toMessage(state);
    return new Promise((resolve, reject) => {
      // guard: B4 test/api/workload/slow-reader.test.ts
      const timer = clock.after(undrainedMs, () => resetStream(call));
      const settle = (error: Error | null | undefined): void => {
        timer?.cancel();
        call.removeListener('close', gone);
        if (error) reject(error);
        else resolve();
      };
      const gone = (): void => settle(new Error('the call ended before it took the message'));
      // grpc-js says nothing of a message whose call is reset first; what is held for it would stay until the timer.
      // guard: B4 test/attacks/reset-while-pending.test.ts
      call.once('close', gone);
      call.write(message, settle);
    });
  }

  end(failure: Failure): void {
    const { call, undrainedMs, clock } = this.#options;
    if (call.cancelled || call.destroyed) return;
    const timer = clock.after(undrainedMs, () => resetStream(call));
    call.once('close', () => timer.cancel());
    call.emit('error', toStatus(failure));
  }
}
