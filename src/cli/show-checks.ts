// SPDX-License-Identifier: Apache-2.0
/** Checks of `health` and `doctor`, one a line, what to do below it. */
import type { WireCheck } from '../api/admin/wire.ts';
import type { Io } from './io.ts';
import { plain } from './print.ts';

export function checkJson(check: WireCheck): object {
  return { name: check.name, status: check.status, text: check.text, hint: check.hint === '' ? null : check.hint };
}

export function printChecks(io: Io, checks: readonly WireCheck[]): void {
  for (const { name, status, text, hint } of checks) {
    io.out(`${status.padEnd(4)}  ${plain(name)}: ${plain(text)}\n`);
    if (status !== 'ok' && hint !== '') io.out(`      next: ${plain(hint)}\n`);
  }
}
