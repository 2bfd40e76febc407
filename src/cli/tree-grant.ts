// SPDX-License-Identifier: Apache-2.0
/** `assay grant`: its commands and flags. */
import { addAdminFlags, addPageFlags, once } from './flags.ts';
import { collect, type Program } from './program.ts';

const REQUEST_RULES = `People are asked as for a task: assay approvals, assay approve. Once they have signed, tasks of the identity begin with
assay task run --grant ID without asking again, within the window and for no more than was asked for. Policies still decide on each.
Whoever asks, where their uid is one human's, does not approve it themselves.`;

const TIGHTEN_RULES = `An intent was used where a task that declared it was given a credential; what a service was asked with it is not seen here. Nothing is
changed: the commands that are printed ask people for the smaller grant, and take this one back.`;

export function addGrantCommands(program: Program): void {
  const grant = program.group(program.root, 'grant', 'windows that people sign once, in which tasks begin unasked');
  const request = program.leaf(
    grant,
    'request',
    'ask people for a grant',
    {
      rules: REQUEST_RULES,
      example:
        'assay grant request --identity spiffe://example.org/agent --intent crm:read --purpose "support shift" --for 8h',
    },
    async () => (await import('./grant.ts')).grantRequest,
  );
  request
    .option('--identity <spiffe-id>', 'which one may be lent (required)', once)
    .option('--intent <intent>', 'TARGET:ACTION or TARGET:ACTION=RESOURCE (required; repeat)', collect)
    .option('--purpose <text>', 'what for, in words (required)', once)
    .option('--for <duration>', 'how long the window is open, 30d at most (required)', once)
    .option('--from <when>', 'since when: a time or a duration from now; now unless told', once)
    .option('--max-tasks <number>', 'how many tasks may begin; 10 unless told', once)
    .option('--max-task-ttl <duration>', 'how long each may last; tasks.default_ttl unless told', once);
  request.option(
    '--break-glass',
    'an emergency: two people sign with keys that knew who, an hour at most, and a finding opens',
  );
  addAdminFlags(request);
  const list = program.leaf(
    grant,
    'list',
    'list grants, the newest first',
    'assay grant list --state active',
    async () => (await import('./grant.ts')).grantList,
  );
  list
    .option(
      '--state <state>',
      'only those in this state: requested, pending, active, exhausted, expired, revoked, denied',
      once,
    )
    .option('--identity <spiffe-id>', 'only those of this identity', once);
  addAdminFlags(addPageFlags(list));
  const show = program.leaf(
    grant,
    'show <id>',
    'show a grant',
    'assay grant show 01jdq3v8k2m5n7p9r1t3v5x7z9',
    async () => (await import('./grant.ts')).grantShow,
  );
  addAdminFlags(show);
  const tighten = program.leaf(
    grant,
    'tighten <id>',
    'tell what of a grant was used, and how to ask for no more than that',
    { rules: TIGHTEN_RULES, example: 'assay grant tighten 01jdq3v8k2m5n7p9r1t3v5x7z9' },
    async () => (await import('./grant-tighten.ts')).grantTighten,
  );
  addAdminFlags(tighten);
  const revoke = program.leaf(
    grant,
    'revoke <id>',
    'take a grant back, and end all tasks that began under it',
    'assay grant revoke 01jdq3v8k2m5n7p9r1t3v5x7z9 --reason "shift is over"',
    async () => (await import('./grant.ts')).grantRevoke,
  );
  addAdminFlags(revoke.option('--reason <text>', 'why, for whoever meets it (required)', once));
}
