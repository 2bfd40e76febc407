// SPDX-License-Identifier: Apache-2.0
/** Grants: request, get, list, revoke. */
import type { Grants } from '../../grants/grants.ts';
import { FREE_TEXT_MAX, parseText } from '../../registry/plain-text.ts';
import { GRANT_STATES, type GrantRecord, type GrantStore } from '../../store/grants.ts';
import { intentText } from '../../tasks/request.ts';
import { nameOf } from './actor-name.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, missing, readPage, readWord } from './read-request.ts';
import { showTask } from './tasks.ts';
import type { Outgoing } from './wire.ts';
import type { GrantRpcs, WireGrant } from './wire-grant.ts';

export interface GrantDoor extends Pick<GrantStore, 'get' | 'list'>, Pick<Grants, 'request' | 'revoke'> {
  /** The human of this name for an actor; null where the uid is nobody's, or several people's. */
  humanOf(actor: string): string | null;
}

export function grantRpcs({ grants }: AdminDeps): Handlers<keyof GrantRpcs> {
  const shown = (id: string): Outgoing<WireGrant> => {
    const grant = grants.get(id);
    if (grant === undefined) throw missing('GRANT_NOT_FOUND', 'grant', id, 'list them: assay grant list');
    return showGrant(grant);
  };
  return {
    async RequestGrant(request, { actor }) {
      const { identity, intents, purpose, from, for_ms, max_task_ttl_ms, max_tasks, break_glass } = request;
      const times = { from: Number(from), forMs: Number(for_ms), maxTaskTtlMs: Number(max_task_ttl_ms) };
      const by = nameOf(actor);
      const asked = { identity, intents, purpose, ...times, maxTasks: max_tasks, breakGlass: break_glass };
      return { grant: showGrant(await grants.request(asked, by, grants.humanOf(by))) };
    },
    GetGrant: ({ id }) => ({ grant: shown(id) }),
    ListGrants(request) {
      const filter = { state: readWord(request.state, GRANT_STATES, 'state'), identity: given(request.identity) };
      const { rows, next } = grants.list(filter, readPage(request));
      return { grants: rows.map(showGrant), next_page_token: next ?? '' };
    },
    async RevokeGrant({ id, reason }, { actor }) {
      const ended = await grants.revoke(id, parseText(reason, 'reason', FREE_TEXT_MAX), nameOf(actor));
      return { grant: shown(id), tasks: ended.map(({ task }) => showTask(task)) };
    },
  };
}

function showGrant(grant: GrantRecord): Outgoing<WireGrant> {
  const { id, identity, purpose, used, digest, state } = grant;
  return {
    ...{ id, identity, purpose, used, digest, state },
    intents: grant.intents.map(intentText),
    window_from: grant.windowFrom,
    window_to: grant.windowTo,
    max_task_ttl_ms: grant.maxTaskTtlMs,
    max_tasks: grant.maxTasks,
    requested_by: grant.requestedBy,
    state_since: grant.stateSince,
    state_reason: grant.stateReason ?? '',
    created_at: grant.createdAt,
    break_glass: grant.breakGlass,
  };
}
