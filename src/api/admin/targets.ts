// SPDX-License-Identifier: Apache-2.0
/** Targets: list, put, retire. */
import type { TargetRecord } from '../../store/targets.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, invalid, missing, readInstant, readPage } from './read-request.ts';
import type { Outgoing } from './wire.ts';
import type { TargetRpcs, WireTarget } from './wire-target.ts';

export function targetRpcs({ registry: { targets } }: AdminDeps): Handlers<keyof TargetRpcs> {
  const show = (target: TargetRecord): Outgoing<WireTarget> => ({
    name: target.name,
    owner: target.owner,
    environment: target.environment,
    impact: target.impact,
    intents: target.intents,
    irrevocable: target.irrevocable,
    audiences: target.audiences,
    third_party: target.thirdParty,
    review_by: target.reviewBy ?? undefined,
    expires_at: target.expiresAt,
    orphaned: targets.isOrphaned(target),
    created_at: target.createdAt,
    created_by: target.createdBy,
    retired_at: target.retiredAt ?? undefined,
    retired_by: target.retiredBy ?? '',
    retire_reason: target.retireReason ?? '',
    revision: target.revision,
  });
  return {
    ListTargets(request) {
      const { limit, after = '' } = readPage(request);
      const { name } = request;
      if (name !== '') {
        const target = targets.get(name);
        if (target === undefined) throw missing('TARGET_NOT_FOUND', 'target', name, 'list them: assay target list');
        return { targets: [show(target)], next_page_token: '' };
      }
      const rest = targets.all().filter((target) => target.name > after);
      const page = rest.slice(0, limit);
      return { targets: page.map(show), next_page_token: rest.length > limit ? (page.at(-1)?.name ?? '') : '' };
    },
    async PutTarget({ target }, { actor }) {
      if (target === null) throw invalid('TARGET_INVALID', 'target', '', 'is missing', 'say what to register');
      const { name, owner, environment, impact, intents, irrevocable, audiences } = target;
      const { third_party, review_by, expires_at } = target;
      const put = await targets.put(
        {
          name,
          owner: given(owner),
          environment,
          impact,
          intents,
          irrevocable,
          audiences,
          thirdParty: third_party,
          reviewBy: review_by === undefined ? undefined : readInstant(review_by, 'review_by'),
          expiresAt: expires_at === undefined ? undefined : readInstant(expires_at, 'expires'),
        },
        actor,
      );
      return { target: show(put) };
    },
    async RetireTarget({ name, reason }, { actor }) {
      return { target: show(await targets.retire(name, reason, actor)) };
    },
  };
}
