// SPDX-License-Identifier: Apache-2.0
/** `assay audit`: its commands and flags. */
import { type Command, Option } from 'commander';
import { addAdminFlags, addPageFlags, once } from './flags.ts';
import { collect, type Program } from './program.ts';

const VERIFY_RULES = `Reads the database by itself, whether a daemon runs or not, and needs to be let into the data folder. Holds every payload
against its hash, every event against its leaf, the tree against its nodes, every checkpoint against key and tree, and every
row against the event that wrote it. What lies outside the database weighs more than what is in it: give with --since the
checkpoints that were kept elsewhere, and with --key the key as it was printed when it was new.`;

export function addAuditCommands(program: Program): void {
  const audit = program.group(
    program.root,
    'audit',
    'the log of everything that was issued, changed or refused to change',
  );
  const query = program.leaf(
    audit,
    'query',
    'list events, the oldest first',
    'assay audit query --identity spiffe://example.org/web --kind entry.',
    async () => (await import('./audit-query.ts')).auditQuery,
  );
  addFilterFlags(query).option('--newest-first', 'the newest first');
  addAdminFlags(addPageFlags(query));
  const tail = program.leaf(audit, 'tail', 'show the latest events', 'assay audit tail --follow', async () => {
    return (await import('./audit-tail.ts')).auditTail;
  });
  tail
    .option('--lines <n>', 'how many; 10 unless told', once)
    .option('--follow', 'and go on as they come, until interrupted');
  addAdminFlags(tail);
  const proof = program.leaf(
    audit,
    'proof <seq>',
    'one event, with the proof that it is in the log, as JSON that verifies by itself',
    'assay audit proof 17',
    async () => (await import('./audit-proof.ts')).auditProof,
  );
  addAdminFlags(
    proof.option(
      '--size <n>',
      'in the tree of so many events, for a checkpoint that was kept; else the smallest',
      once,
    ),
  );
  const checkpoint = program.leaf(
    audit,
    'checkpoint',
    'sign and print a checkpoint over everything that is written now',
    'assay audit checkpoint > checkpoint-2026-01-01',
    async () => (await import('./audit-checkpoint.ts')).auditCheckpoint,
  );
  addAdminFlags(checkpoint.option('--key', 'print the key that checkpoints are verified with instead'));
  const exported = program.leaf(
    audit,
    'export',
    'print events one a line, for other systems',
    'assay audit export --format cloudevents --from 0',
    async () => (await import('./audit-export.ts')).auditExport,
  );
  exported
    .addOption(new Option('--format <format>', 'how').choices(['ndjson', 'cloudevents']).default('ndjson'))
    .option('--from <seq>', 'the first event; 0 unless told', once);
  addAdminFlags(exported);
  const redact = program.leaf(
    audit,
    'redact <seq>',
    'erase for good what an event says; that there was one, and its proof, stand',
    'assay audit redact 17 --reason "personal data, request 4711"',
    async () => (await import('./audit-redact.ts')).auditRedact,
  );
  addAdminFlags(redact.option('--reason <text>', 'why (required)', once));
  addVerify(program, audit);
  addAccept(program, audit);
}

const ACCEPT_RULES = `For a data folder that the daemon refuses to start with, because it has gone back (ROLLED_BACK). Without --yes it looks and says what
was found and what was reached. With it, in one step: the log says so; every sequence goes past all that anybody may have seen;
the authorities are removed, since what they signed in the time that was lost has no row any more and can be taken back in no other
way (--keep-authorities leaves them, and that valid). Old mark and checkpoints are put aside. The daemon must not run.`;

function addAccept(program: Program, audit: Command): void {
  const accept = program.leaf(
    audit,
    'accept-rollback',
    'go on with a data folder that has gone back',
    { rules: ACCEPT_RULES, example: 'assay audit accept-rollback --yes' },
    async () => (await import('./audit-accept-rollback.ts')).auditAcceptRollback,
  );
  addDataFlags(accept)
    .option('--keep-authorities', 'leave the authorities, and what they signed valid')
    .option('--yes', 'do it');
}

export function addBackupCommands(program: Program): void {
  const backup = program.leaf(
    program.root,
    'backup',
    'copy the data folder, also while the daemon runs',
    'assay backup --to /mnt/backup/assay-2026-01-01',
    async () => (await import('./backup.ts')).backup,
  );
  addDataFlags(backup)
    .option('--to <dir>', 'an empty folder, or one that is not there yet (required)', once)
    .option('--no-keys', 'leave out the keys of authorities and log: what they signed cannot go on from such a copy');
  const restore = program.leaf(
    program.root,
    'restore',
    'put a backup into an empty data folder, and accept that it is older than what was reached',
    'assay restore --from /mnt/backup/assay-2026-01-01 --data-dir /var/lib/assay',
    async () => (await import('./restore.ts')).restore,
  );
  addDataFlags(restore)
    .option('--from <dir>', 'the backup (required)', once)
    .option('--keep-authorities', 'leave the authorities, and what they signed valid');
}

function addVerify(program: Program, audit: Command): void {
  const verify = program.leaf(
    audit,
    'verify',
    'verify the whole log, and what is registered and issued against it',
    { rules: VERIFY_RULES, example: 'assay audit verify --since checkpoint-2026-01-01' },
    async () => (await import('./audit-verify.ts')).auditVerify,
  );
  addDataFlags(verify)
    .option('--since <file>', 'a checkpoint that was kept elsewhere (repeat)', collect)
    .option('--key <key>', 'the key that checkpoints have to be signed with, unless that which the log names', once);
}

/** For commands that work on the data folder itself. */
export function addDataFlags(command: Command): Command {
  return command
    .option('--data-dir <path>', 'where keys and the database lie', once)
    .option('--config <file>', 'the configuration of the daemon, to find its data folder', once);
}

function addFilterFlags(command: Command): Command {
  return command
    .option('--identity <id>', 'only those about this identity', once)
    .option('--kind <kind>', 'only those of this kind, or with a dot at its end all that begin so: issue.', once)
    .option('--actor <who>', 'only what this one did, such as uid:0', once)
    .option('--since <when>', 'only those from this time on, or of this last while: a time or a duration', once)
    .option('--until <when>', 'only those before this time', once);
}
