// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, what its messages are made of. */

export type Int64 = string;
/** What may be handed to the encoder. */
export type Int64Input = string | number;

export interface Paged {
  readonly page_size: number;
  readonly page_token: string;
}
