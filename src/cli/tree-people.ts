// SPDX-License-Identifier: Apache-2.0
/** `assay human`: its commands and flags. */
import { Option } from 'commander';
import { addAdminFlags, addPageFlags, once } from './flags.ts';
import { collect, type Program } from './program.ts';

const LEAVE_RULES = `What is owned by human:NAME, and by a team whose last active member they are, is suspended in the same step: streams end, and what
was issued is revoked. Their deputies are listed; identity renew lets such an identity go on under the same name, with the deputy as owner.
The name is never given again.`;

const UPDATE_RULES = `What is not named stays as it is. Whoever leaves a team as its last active member leaves its identities without an owner: these are
suspended in the same step, as with human deactivate.`;

const VOUCH_RULES = `A touch is a byte that software can set, so a key counts for more than software only where somebody vouched for it, with a signature
that counts for as much themselves. Root vouches for the first one, once, with --first. What is vouched for is told as unattested.
To sign elsewhere: --statement-out FILE --by NAME, then within 15 minutes --statement FILE --signature FILE.sig.`;

export function addPeopleCommands(program: Program): void {
  const human = program.group(program.root, 'human', 'the people who answer for identities');
  const commands = async () => import('./human.ts');
  const add = program.leaf(
    human,
    'add <name>',
    'register somebody, as owner human:NAME',
    'assay human add alice --uid 1000 --team payments',
    async () => (await commands()).humanAdd,
  );
  add
    .option('--email <address>', 'where they are reached', once)
    .option('--uid <n>', 'a local uid under which they work; may be given again', collect)
    .option('--team <name>', 'a team they are in, an owner team:NAME; may be given again', collect);
  addAdminFlags(add);
  const list = program.leaf(human, 'list', 'list people', 'assay human list', async () => (await commands()).humanList);
  addAdminFlags(addPageFlags(list));
  const show = program.leaf(
    human,
    'show <name>',
    'show somebody and their keys',
    'assay human show alice',
    async () => {
      return (await commands()).humanShow;
    },
  );
  addAdminFlags(show);
  const update = program.leaf(
    human,
    'update <name>',
    'change what is said of somebody',
    { rules: UPDATE_RULES, example: 'assay human update alice --team payments --team ops' },
    async () => (await commands()).humanUpdate,
  );
  update
    .option('--email <address>', 'where they are reached; empty for none', once)
    .option('--uid <n>', 'all local uids under which they work, each with its own --uid; empty for none', collect)
    .option('--team <name>', 'all teams they are in, each with its own --team; empty for none', collect);
  addAdminFlags(update);
  const deactivate = program.leaf(
    human,
    'deactivate <name>',
    'somebody leaves: what is theirs is suspended',
    { rules: LEAVE_RULES, example: 'assay human deactivate alice --reason "left the company"' },
    async () => (await commands()).humanDeactivate,
  );
  addAdminFlags(deactivate.option('--reason <text>', 'why (required)', once));
  const key = program.group(human, 'key', 'keys with which somebody signs');
  const addKey = program.leaf(
    key,
    'add <name>',
    'give somebody an SSH key',
    'assay human key add alice --file alice.pub',
    async () => (await commands()).humanKeyAdd,
  );
  addAdminFlags(
    addKey.option('--file <path>', 'a .pub file: Ed25519, ECDSA P-256, or one of a security key (required)', once),
  );
  const vouch = program.leaf(
    key,
    'vouch <name> <fingerprint>',
    'say that a key is a security key, so that its touch counts',
    {
      rules: VOUCH_RULES,
      example:
        'assay human key vouch alice SHA256:uNiVztksCsDhcc0u9e8BrrKZCmpa4VODhKcNCzP2ywo --as touched --because "YubiKey 5C, made in my presence"',
    },
    async () => (await import('./key-vouch.ts')).keyVouch,
  );
  vouch
    .addOption(new Option('--as <what>', 'what its signatures count for at most').choices(['touched', 'verified']))
    .option('--because <text>', 'how you know that it is hardware; it is signed along', once)
    .option('--first', 'root vouches for the first such key, without a signature')
    .option('--key <file>', 'sign with this key; its .pub lies beside it', once)
    .option('--yes', 'do not ask')
    .option('--by <name>', 'who will sign, with --statement-out', once)
    .option('--statement-out <file>', 'write what is to be signed, and sign nothing', once)
    .option('--statement <file>', 'what was signed, with --signature', once)
    .option('--signature <file>', 'the signature, as ssh-keygen -Y sign wrote it', once);
  addAdminFlags(vouch);
  const removeKey = program.leaf(
    key,
    'remove <name> <fingerprint>',
    'take a key from somebody',
    'assay human key remove alice SHA256:uNiVztksCsDhcc0u9e8BrrKZCmpa4VODhKcNCzP2ywo',
    async () => (await commands()).humanKeyRemove,
  );
  addAdminFlags(removeKey);
}
