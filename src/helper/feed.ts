// SPDX-License-Identifier: Apache-2.0
/**
 * One stream of the Workload API, followed for as long as the helper lives: what it says goes to whoever writes files, and how
 * it stands to the health page. An outage, and a daemon that takes an identity back, leave the files as they are.
 */
import { Followed, type FollowedOptions, type SourceOptions, type SourceStatus } from '../client/followed.ts';

export interface FeedOptions<Message, State> extends Pick<FollowedOptions<Message, State>, 'fetch' | 'read'> {
  /** `identity`, `JWT bundle`: for the log. */
  readonly what: string;
  readonly source: SourceOptions;
  /** With each message. */
  readonly onState: (state: State) => void;
  /** With each end of the stream and each message that was discarded. */
  readonly onTrouble: (problem: string) => void;
}

export class Feed<Message, State> {
  readonly #followed: Followed<Message, State>;
  #updates = 0;

  constructor({ what, source, fetch, read, onState, onTrouble }: FeedOptions<Message, State>) {
    this.#followed = new Followed<Message, State>(source, {
      fetch,
      read,
      words: {
        what,
        source: 'helper',
        missing: 'SVID_MISSING',
        withdrawn: 'SVID_WITHDRAWN',
        timeout: 'SVID_TIMEOUT',
      },
      onChange: () => {
        const { updates, problem, state } = this.#followed.status;
        const { held } = this.#followed;
        if (held !== undefined && updates > this.#updates) {
          this.#updates = updates;
          onState(held);
        }
        if (problem !== undefined && state !== 'closed') onTrouble(problem);
      },
    });
  }

  get held(): State | undefined {
    return this.#followed.held;
  }

  get status(): SourceStatus {
    return this.#followed.status;
  }

  close(): void {
    this.#followed.close();
  }
}
