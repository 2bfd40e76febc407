// SPDX-License-Identifier: Apache-2.0
/** `assay identity`: its commands and flags. */
import type { Command } from 'commander';
import { addAdminFlags, addPageFlags, once } from './flags.ts';
import { collect, type Program } from './program.ts';

export function addIdentityCommands(program: Program): void {
  const identity = program.group(program.root, 'identity', 'who answers for an identity, and whether it is in force');
  const list = program.leaf(identity, 'list', 'list identities', 'assay identity list --expiring', async () => {
    return (await import('./identity-list.ts')).identityList;
  });
  list
    .option('--expiring [duration]', 'only those that end or are to be reviewed within 30d, or within this duration')
    .option('--state <state>', 'only those in this state: draft, active, suspended, retired', once)
    .option('--owner <who>', 'only those of this owner', once);
  addAdminFlags(addPageFlags(list));
  const show = program.leaf(
    identity,
    'show <spiffe-id>',
    'show an identity and its entries',
    'assay identity show spiffe://example.org/web',
    async () => (await import('./identity-show.ts')).identityShow,
  );
  addAdminFlags(show);
  const suspend = program.leaf(
    identity,
    'suspend <spiffe-id>',
    'stop issuing it, and close the streams that hold it',
    'assay identity suspend spiffe://example.org/web --reason "key seen in a log"',
    async () => (await import('./identity-suspend.ts')).identitySuspend,
  );
  addAdminFlags(suspend.option('--reason <text>', 'why, for whoever meets it (required)', once));
  const resume = program.leaf(
    identity,
    'resume <spiffe-id>',
    'issue it again',
    'assay identity resume spiffe://example.org/web',
    async () => (await import('./identity-resume.ts')).identityResume,
  );
  addAdminFlags(resume.option('--expires <when>', 'its new end, where it has expired: a time or a duration', once));
  addMaking(program, identity);
  addSteps(program, identity);
}

function addMaking(program: Program, identity: Command): void {
  const create = program.leaf(
    identity,
    'create <spiffe-id>',
    'register an identity before it has an entry',
    'assay identity create spiffe://example.org/web --owner team-web --purpose "serves pages" --draft',
    async () => (await import('./identity-create.ts')).identityCreate,
  );
  addWords(create)
    .option('--kind <kind>', 'service, job, bot, agent or legacy; service unless told', once)
    .option('--expires <when>', 'its end: a time or a duration; 365d unless told, 90d for an agent', once)
    .option('--draft', 'issue nothing for it until it is activated');
  addAdminFlags(create);
  const update = program.leaf(
    identity,
    'update <spiffe-id>',
    'change who answers for it, and what is said of it; an empty value clears',
    'assay identity update spiffe://example.org/web --deputy bob --review-by 180d',
    async () => (await import('./identity-update.ts')).identityUpdate,
  );
  addAdminFlags(addWords(update));
}

function addWords(command: Command): Command {
  return command
    .option('--owner <who>', 'who answers for it', once)
    .option('--deputy <who>', 'who takes it over when the owner is gone', once)
    .option('--purpose <text>', 'what it is for', once)
    .option('--env <name>', 'where it is used', once)
    .option('--label <k=v>', 'anything else; may be given again', collect)
    .option('--review-by <when>', 'by when somebody looks whether it is still needed: a time or a duration', once);
}

function addSteps(program: Program, identity: Command): void {
  const steps = async () => import('./identity-steps.ts');
  const activate = program.leaf(
    identity,
    'activate <spiffe-id>',
    'let a draft begin',
    'assay identity activate spiffe://example.org/web',
    async () => (await steps()).identityActivate,
  );
  addAdminFlags(activate);
  const renew = program.leaf(
    identity,
    'renew <spiffe-id>',
    'give it a new end; one that has expired is active again',
    'assay identity renew spiffe://example.org/web --expires 180d',
    async () => (await steps()).identityRenew,
  );
  renew
    .option('--expires <when>', 'its end; the life of its kind from now unless told', once)
    .option('--owner <who>', 'who answers for it from now on; its deputy where the owner has left', once);
  addAdminFlags(renew);
  const retire = program.leaf(
    identity,
    'retire <spiffe-id>',
    'end it for good: its entries go, what it was given is revoked, its name is never given again',
    'assay identity retire spiffe://example.org/web --reason "service is switched off"',
    async () => (await steps()).identityRetire,
  );
  addAdminFlags(retire.option('--reason <text>', 'why (required)', once));
}
