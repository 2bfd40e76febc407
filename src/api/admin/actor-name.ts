// SPDX-License-Identifier: Apache-2.0
import type { Actor } from '../../store/records.ts';

/** Who made a change, as rows keep it: `uid:1000`. A pid means nothing once its process has gone; the log has it. */
export function nameOf(actor: Actor): string {
  return `uid:${actor.uid}`;
}
