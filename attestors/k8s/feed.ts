// SPDX-License-Identifier: Apache-2.0
/** Where news comes from: a kubelet that is asked again and again, or a watch on the API server. */
import type { List } from './list-reader.ts';
import type { Trouble } from './trouble.ts';

export interface Feed {
  /** As of which instant of the monotonic clock all changes are known; -Infinity before anything is. */
  readonly asOf: number;
  /** Somebody waits for news, or an open stream rests on something that is listed. Called whenever either begins or ends. */
  demand(waiting: boolean, resting: boolean): void;
  close(): void;
}

export interface FeedListener<T> {
  /** `certain`: see `Book.replace`. */
  list(list: List<T>, certain: boolean): void;
  /** The one with this key is this now, or gone; all others are as they were. */
  change(key: string, item: T | undefined): void;
  trouble(trouble: Trouble): void;
  /** Nothing has been heard for so long that what is known is no longer to be relied on. Called once, until there is news. */
  stale(): void;
}
