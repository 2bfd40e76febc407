// SPDX-License-Identifier: Apache-2.0
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}
