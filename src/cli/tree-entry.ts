// SPDX-License-Identifier: Apache-2.0
/** `assay entry`: its commands and flags. */
import type { Command } from 'commander';
import { addAdminFlags, addPageFlags, once as one } from './flags.ts';
import { collect, type Program } from './program.ts';

const CREATE_RULES = `A process gets the identity when every selector of one entry holds for it.
Selectors: unix:uid:N, unix:user:NAME, unix:gid:N, unix:group:NAME, unix:supplementary_gid:N,
unix:supplementary_group:NAME, unix:path:PATH, unix:sha256:HEX. The last two say what program a user may run, and
that user can fake them: an entry of these alone needs --accept-claimed-selectors.
A time is written 2030-01-31T12:00:00Z or as a duration from now: 90d. An SVID lives at most a sixth of ca.ttl.
--kind, --owner, --deputy, --purpose, --env, --label, --identity-expires and --review-by describe the identity where it is new.`;

export function addEntryCommands(program: Program): void {
  const entry = program.group(program.root, 'entry', 'register what processes get which identity');

  const create = program.leaf(
    entry,
    'create',
    'let every process that has all these selectors have this SPIFFE ID',
    {
      rules: CREATE_RULES,
      example: 'assay entry create --spiffe-id spiffe://example.org/web --selector unix:uid:1000 --x509-ttl 1h',
    },
    async () => (await import('./entry-create.ts')).entryCreate,
  );
  create
    .option('--spiffe-id <id>', 'the identity (required)', one)
    .option('--selector <type:value>', 'what the process must be (required; repeat)', collect)
    .option('--parent-id <id>', 'the node that hands it out; this daemon unless told', one)
    .option('--entry-id <id>', 'the name of the entry; made up unless told', one);
  addEntryFlags(create)
    .option('--kind <kind>', 'service, job, bot, agent or legacy', one)
    .option('--owner <who>', 'who answers for the identity; the creator unless told', one)
    .option('--deputy <who>', 'who takes over when the owner leaves', one)
    .option('--purpose <text>', 'what it is for', one)
    .option('--env <name>', 'its environment, such as production', one)
    .option('--identity-expires <when>', 'end of the identity: a time or a duration', one)
    .option('--review-by <when>', 'by when somebody looks whether the identity is still needed', one)
    .option('--label <k=v>', 'a label of the identity (repeat)', collect);
  addAdminFlags(create);

  const list = program.leaf(
    entry,
    'list',
    'list entries, the oldest first',
    'assay entry list --spiffe-id spiffe://example.org/web',
    async () => (await import('./entry-list.ts')).entryList,
  );
  addAdminFlags(addPageFlags(addFilterFlags(list)));

  const show = program.leaf(entry, 'show <id>', 'show one entry', 'assay entry show web-1', async () => {
    return (await import('./entry-show.ts')).entryShow;
  });
  addAdminFlags(show);

  const update = program.leaf(
    entry,
    'update <id>',
    'change an entry; what is not named stays, an empty value clears',
    'assay entry update web-1 --x509-ttl 30m --dns web.example.org',
    async () => (await import('./entry-update.ts')).entryUpdate,
  );
  update.option('--selector <type:value>', 'replaces all selectors (repeat)', collect);
  addAdminFlags(addEntryFlags(update).option('--no-jwt-jti', 'no jti any more'));

  const remove = program.leaf(
    entry,
    'delete <id>',
    'delete an entry; processes lose the identity at once',
    'assay entry delete web-1',
    async () => (await import('./entry-delete.ts')).entryDelete,
  );
  addAdminFlags(remove);

  const count = program.leaf(entry, 'count', 'count entries', 'assay entry count', async () => {
    return (await import('./entry-count.ts')).entryCount;
  });
  addAdminFlags(addFilterFlags(count));
}

function addEntryFlags(command: Command): Command {
  return command
    .option('--x509-ttl <duration>', 'life of its X.509-SVIDs, such as 1h', one)
    .option('--jwt-ttl <duration>', 'life of its JWT-SVIDs, such as 5m', one)
    .option('--jwt-jti', 'name each of its JWT-SVIDs by a jti, and give it once')
    .option('--dns <name>', 'a DNS name in its certificates (repeat)', collect)
    .option('--federates-with <trust-domain>', 'another trust domain it verifies (repeat)', collect)
    .option('--hint <text>', 'tells a workload its identities apart', one)
    .option('--expires <when>', 'end of the entry: a time or a duration, such as 2030-01-31T12:00:00Z or 90d', one)
    .option('--accept-claimed-selectors', 'accept selectors that a process could fake (path, sha256) alone');
}

function addFilterFlags(command: Command): Command {
  return command
    .option('--spiffe-id <id>', 'only those of this identity', one)
    .option('--parent-id <id>', 'only those of this parent', one)
    .option('--selector <type:value>', 'only those that name it (repeat: all of them)', collect)
    .option('--federates-with <trust-domain>', 'only those that federate with it', one)
    .option('--hint <text>', 'only those with this hint', one);
}
