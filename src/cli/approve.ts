// SPDX-License-Identifier: Apache-2.0
/**
 * `assay approve`, `reject` and `approvals withdraw`: what is signed is read from the screen that was shown, so that nothing is signed that was not
 * (attack C4).
 */
import { writeFile } from 'node:fs/promises';
import { readScreen, renderScreen } from '../approvals/screen.ts';
import { approvalNamespace, parseStatement, type Statement, statementText } from '../approvals/statement.ts';
import { quote } from '../lib/failure.ts';
import { type AdminClient, type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import type { Format } from './print.ts';
import { printApproval, requestOf } from './show-approval.ts';
import { signerOf } from './signer.ts';
import { confirm, textOf } from './signing.ts';
import { sign } from './ssh-keys.ts';
import { required, usage } from './usage.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly reason?: string;
  readonly key?: string;
  readonly yes?: boolean;
  readonly human?: string;
  readonly statementOut?: string;
  readonly statement?: string;
  readonly signature?: string;
}

type Decision = Statement['decision'];

export function approve(io: Io, options: Options, [id = '']: readonly string[]): Promise<number> {
  return decide(io, options, 'approve', id);
}

export async function reject(io: Io, options: Options, [id = '']: readonly string[]): Promise<number> {
  if (options.signature === undefined) required(options.reason, '--reason');
  return decide(io, options, 'reject', id);
}

/** Of whoever approved: what began by it ends. */
export function withdraw(io: Io, options: Options, [id = '']: readonly string[]): Promise<number> {
  return decide(io, options, 'withdraw', id);
}

function decide(io: Io, options: Options, decision: Decision, id: string): Promise<number> {
  refuseMixed(options);
  return withAdmin(io, options, async (admin) => {
    if (options.signature !== undefined) return submitSigned(io, admin, options, decision, id);
    const { approval } = await admin.call('GetApproval', { id });
    const request = requestOf(approval);
    const shown = (human: string): string => {
      const screen = renderScreen({ decision, human, reason: options.reason ?? null, request });
      io.talk(screen);
      return statementText(readScreen(screen));
    };
    const namespace = approvalNamespace(request.trustDomain);
    if (options.statementOut !== undefined) {
      const text = shown(required(options.human, '--human'));
      await writeFile(options.statementOut, text, { flag: 'wx', mode: 0o600 });
      io.talk(`written; sign it with: ssh-keygen -Y sign -f KEY -n ${namespace} ${quote(options.statementOut)}\n`);
      return 0;
    }
    const signer = await signerOf(io, admin, options.key);
    const text = shown(signer.human);
    await confirm(io, options.yes, decision, signer);
    const signature = await sign(io, signer.key, options.key, namespace, text);
    return submit(io, admin, options, { id, statement: text, signature });
  });
}

/** What was signed elsewhere. */
async function submitSigned(
  io: Io,
  admin: AdminClient,
  options: Options,
  decision: Decision,
  id: string,
): Promise<number> {
  const statement = await textOf(required(options.statement, '--statement'), '--statement');
  const signature = await textOf(options.signature as string, '--signature');
  const said = parseStatement(statement);
  // guard: C4 test/cli/approve.test.ts
  if (said.decision !== decision || said.request.id !== id)
    throw usage(
      '--statement',
      `${said.decision} ${said.request.id}`,
      `is not what this command says: ${decision} ${id}`,
    );
  io.talk(renderScreen(said));
  return submit(io, admin, options, { id, statement, signature });
}

async function submit(
  io: Io,
  admin: AdminClient,
  { output }: Options,
  vote: { readonly id: string; readonly statement: string; readonly signature: string },
): Promise<number> {
  const { approval } = await admin.call('SubmitVote', vote);
  printApproval(io, output, approval);
  return 0;
}

function refuseMixed({ key, human, reason, statementOut, statement, signature }: Options): void {
  if ((statement === undefined) !== (signature === undefined))
    throw usage('--statement', undefined, 'goes with --signature', 'give both files');
  if (signature !== undefined && (key ?? human ?? reason ?? statementOut) !== undefined)
    throw usage('--signature', undefined, 'says all: it goes with --statement alone');
  if (statementOut === undefined && human !== undefined)
    throw usage('--human', undefined, 'goes with --statement-out', 'a key says whose it is');
  if (statementOut !== undefined && key !== undefined)
    throw usage('--key', undefined, 'signs, and --statement-out does not');
}
