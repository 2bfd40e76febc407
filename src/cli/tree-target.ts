// SPDX-License-Identifier: Apache-2.0
/** `assay target`: its commands and flags. */
import { addAdminFlags, addPageFlags, once } from './flags.ts';
import { collect, type Program } from './program.ts';

const PUT_RULES = `A target is written as a whole: what is left out is not kept from before. Its owner is somebody registered (human:NAME, team:NAME) or
free text; once such an owner has left, every request for the target is denied until it is put again with another.`;

export function addTargetCommands(program: Program): void {
  const target = program.group(program.root, 'target', 'the services and systems that tasks are for');
  const commands = async () => import('./target.ts');
  const put = program.leaf(
    target,
    'put <name>',
    'register a target, or write it anew',
    {
      rules: PUT_RULES,
      example:
        'assay target put payments --env prod --impact high --owner human:alice --intent refund --audience https://pay.example.org',
    },
    async () => (await commands()).targetPut,
  );
  put
    .option('--env <name>', 'its environment, the same as that of who may ask for it (required)', once)
    .option('--impact <low|high>', 'high where a mistake cannot be taken back (required)', once)
    .option('--intent <name>', 'what can be asked of it (required); may be given again', collect)
    .option('--irrevocable <intent>', 'one of its intents that cannot be taken back; may be given again', collect)
    .option('--audience <text>', 'what a token for it names; may be given again', collect)
    .option('--owner <owner>', 'who answers for it; you, unless told', once)
    .option('--third-party', 'somebody else runs it')
    .option('--review-by <when>', 'by when to look at a third party again: a time or a duration', once)
    .option('--expires <when>', 'its end: a time or a duration; 365d unless told', once);
  addAdminFlags(put);
  const list = program.leaf(target, 'list', 'list targets', 'assay target list', async () => {
    return (await commands()).targetList;
  });
  addAdminFlags(addPageFlags(list));
  const show = program.leaf(target, 'show <name>', 'show a target', 'assay target show crm', async () => {
    return (await commands()).targetShow;
  });
  addAdminFlags(show);
  const retire = program.leaf(
    target,
    'retire <name>',
    'end a target for good',
    'assay target retire crm --reason "replaced by crm2"',
    async () => (await commands()).targetRetire,
  );
  addAdminFlags(retire.option('--reason <text>', 'why (required)', once));
}
