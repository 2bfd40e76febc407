// SPDX-License-Identifier: Apache-2.0
/** Says in the log which identities are about to end or to be reviewed, once for each threshold that one passes. */
import type { Config } from '../config/config.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Closers } from '../lib/closers.ts';
import { formatDuration } from '../lib/duration.ts';
import { nextTurn } from '../registry/all-pages.ts';
import type { Registry } from '../registry/registry.ts';
import type { IdentityRecord } from '../store/records.ts';
import type { Logger } from '../telemetry/logger.ts';

const LOOK_MS = 60_000;
/** Lines of one look, at most (I9): the rest is a number and the command that lists them. */
export const MOST_LINES = 1_000;
/** Lines between two turns of the event loop. */
const LINES_A_TURN = 20;

export interface AnnouncementParts {
  readonly registry: Pick<Registry, 'ahead'>;
  readonly clock: Clock;
  readonly closers: Closers;
  readonly log: Logger;
}

/** Each start says once what is ahead, then what comes nearer. */
export function startAnnouncements(
  { lifecycle: { announceMs } }: Pick<Config, 'lifecycle'>,
  { registry, clock, closers, log }: AnnouncementParts,
): void {
  if (announceMs.length === 0) return;
  let since = -Infinity;
  let timer: Timer | undefined;
  let closed = false;
  const look = async (): Promise<void> => {
    const now = clock.now();
    // A clock that went back says nothing a second time.
    if (now > since) {
      const { announced, more } = await registry.ahead.passed(since, now, announceMs, MOST_LINES);
      since = now;
      for (const [at, one] of announced.entries()) {
        if (at % LINES_A_TURN === LINES_A_TURN - 1) await nextTurn();
        if (closed) return;
        const identity = one.identity();
        log.warn(fieldsOf(identity), `${comesFirst(identity)} within ${formatDuration(one.withinMs)}`);
      }
      if (more > 0)
        log.warn({ more }, `as many more identities end or are to be reviewed soon: ${listCommand(announceMs)}`);
    }
    if (!closed) timer = clock.after(LOOK_MS, () => void look());
  };
  closers.add('announcements', () => {
    closed = true;
    timer?.cancel();
  });
  void look();
}

/** Lists what is announced. */
export function listCommand([longest = 0]: readonly number[]): string {
  return `assay identity list --expiring ${formatDuration(longest)}`;
}

function comesFirst({ expiresAt, reviewBy }: IdentityRecord): string {
  return reviewBy !== null && reviewBy < expiresAt ? 'an identity is to be reviewed' : 'an identity ends';
}

function fieldsOf({ spiffeId, owner, deputy, expiresAt, reviewBy }: IdentityRecord): object {
  return {
    identity: spiffeId,
    owner,
    ...(deputy === null ? {} : { deputy }),
    expires: new Date(expiresAt).toISOString(),
    ...(reviewBy === null ? {} : { review_by: new Date(reviewBy).toISOString() }),
  };
}
