// SPDX-License-Identifier: Apache-2.0
/** `assay approvals`, with `withdraw`, `approve` and `reject`: their commands and flags. */
import type { Command } from 'commander';
import { addAdminFlags, addPageFlags, once } from './flags.ts';
import type { Program } from './program.ts';

const DECIDE_RULES = `All that is signed is shown first. The signature is made by ssh-keygen with --key, or with the one key of the ssh-agent that is
registered as somebody's; whose key it is says who decides. Who runs the command says nothing.
To sign elsewhere: --statement-out FILE --human NAME, then --statement FILE --signature FILE.sig.`;

const WITHDRAW_RULES = `Whoever approved takes it back, with any key of theirs, and for good. While others are missing, theirs is missing again. After that, the task
ends with all that it was given; a grant ends with all tasks under it.
${DECIDE_RULES}`;

export function addApprovalCommands(program: Program): void {
  const list = program.leaf(
    program.root,
    'approvals',
    'list what people are asked to approve',
    'assay approvals --all',
    async () => (await import('./approval-list.ts')).approvalList,
  );
  addAdminFlags(addPageFlags(list.option('--all', 'also what is decided')));
  const show = program.leaf(
    list,
    'show <id>',
    'show one, with what was signed',
    'assay approvals show 01jdqw3h5v8z9k2m4n6p7r8s9t',
    async () => (await import('./approval-list.ts')).approvalShow,
  );
  addAdminFlags(show);
  const withdraw = program.leaf(
    list,
    'withdraw <id>',
    'take your approval back, with a signature',
    { rules: WITHDRAW_RULES, example: 'assay approvals withdraw 01jdqw3h5v8z9k2m4n6p7r8s9t --reason "wrong account"' },
    async () => (await import('./approve.ts')).withdraw,
  );
  addSigningFlags(withdraw, 'why; it is signed along');
  const approve = program.leaf(
    program.root,
    'approve <id>',
    'approve what is asked, with a signature',
    { rules: DECIDE_RULES, example: 'assay approve 01jdqw3h5v8z9k2m4n6p7r8s9t' },
    async () => (await import('./approve.ts')).approve,
  );
  addSigningFlags(approve, 'why; it is signed along');
  const reject = program.leaf(
    program.root,
    'reject <id>',
    'reject what is asked, with a signature',
    { rules: DECIDE_RULES, example: 'assay reject 01jdqw3h5v8z9k2m4n6p7r8s9t --reason "not this account"' },
    async () => (await import('./approve.ts')).reject,
  );
  addSigningFlags(reject, 'why (required); it is signed along');
}

function addSigningFlags(command: Command, reason: string): void {
  command
    .option('--reason <text>', reason, once)
    .option('--key <file>', 'sign with this key; its .pub lies beside it', once)
    .option('--yes', 'do not ask')
    .option('--human <name>', 'who will sign, with --statement-out', once)
    .option('--statement-out <file>', 'write what is to be signed, and sign nothing', once)
    .option('--statement <file>', 'what was signed, with --signature', once)
    .option('--signature <file>', 'the signature, as ssh-keygen -Y sign wrote it', once);
  addAdminFlags(command);
}
