// SPDX-License-Identifier: Apache-2.0
/** What the watching thread is given and what it says. */

export interface WatchInput {
  readonly epoll: number;
}

/** `data` of the epoll entries; processes follow by serial. */
export const WAKE = 0;
export const CONNECTOR = 1;
export const FIRST_PROCESS = 2;

/** Everything that became ready, by the `data` it was entered with. */
export type WatchMessage = readonly number[];
