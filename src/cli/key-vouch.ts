// SPDX-License-Identifier: Apache-2.0
/**
 * `assay human key vouch`: somebody says that a key is hardware, and signs it. What is signed is read from the screen that was shown
 * (attack C4).
 */
import { writeFile } from 'node:fs/promises';
import type { Request } from '../api/admin/wire.ts';
import type { WireHuman } from '../api/admin/wire-people.ts';
import {
  enrolmentNamespace,
  keyStatementText,
  parseKeyStatement,
  readKeyScreen,
  renderKeyScreen,
} from '../approvals/enrolment.ts';
import { quote } from '../lib/failure.ts';
import { type AdminClient, type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import type { Format } from './print.ts';
import { showHuman } from './show-human.ts';
import { signerOf } from './signer.ts';
import { confirm, textOf } from './signing.ts';
import { sign } from './ssh-keys.ts';
import { required, usage } from './usage.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly as?: 'touched' | 'verified';
  readonly because?: string;
  readonly first?: boolean;
  readonly key?: string;
  readonly yes?: boolean;
  readonly by?: string;
  readonly statementOut?: string;
  readonly statement?: string;
  readonly signature?: string;
}

type KeyRequest = Request<'VouchHumanKey'>;

const HIGHEST = { touched: 2, verified: 3 } as const;
const FLAGS = ['--because'];

export function keyVouch(io: Io, options: Options, [name = '', fingerprint = '']: readonly string[]): Promise<number> {
  refuseMixed(options);
  return withAdmin(io, options, async (admin) => {
    if (options.signature !== undefined) return submitSigned(io, admin, options, { name, fingerprint });
    const highest = HIGHEST[required(options.as, '--as')];
    const key = { name, fingerprint, highest };
    if (options.first === true) return vouch(io, admin, options, key);
    const because = required(options.because, '--because');
    const ask = async (by: string): Promise<string> => {
      const call = admin.call('AskKeyStatement', { ...key, because, by });
      const { statement } = await withFlagNames(FLAGS, call);
      const screen = renderKeyScreen(parseKeyStatement(statement));
      io.talk(screen);
      return keyStatementText(readKeyScreen(screen));
    };
    if (options.statementOut !== undefined) {
      const text = await ask(required(options.by, '--by'));
      const namespace = enrolmentNamespace(parseKeyStatement(text).trustDomain);
      await writeFile(options.statementOut, text, { flag: 'wx', mode: 0o600 });
      io.talk(`written; sign it with: ssh-keygen -Y sign -f KEY -n ${namespace} ${quote(options.statementOut)}\n`);
      return 0;
    }
    const signer = await signerOf(io, admin, options.key);
    const text = await ask(signer.human);
    await confirm(io, options.yes, 'vouch', signer);
    const namespace = enrolmentNamespace(parseKeyStatement(text).trustDomain);
    const signature = await sign(io, signer.key, options.key, namespace, text);
    return vouch(io, admin, options, { ...key, statement: text, signature });
  });
}

/** What was signed elsewhere. */
async function submitSigned(
  io: Io,
  admin: AdminClient,
  options: Options,
  { name, fingerprint }: { readonly name: string; readonly fingerprint: string },
): Promise<number> {
  const statement = await textOf(required(options.statement, '--statement'), '--statement');
  const signature = await textOf(options.signature as string, '--signature');
  const said = parseKeyStatement(statement);
  // guard: C4 test/cli/key-vouch.test.ts
  if (said.human !== name || said.fingerprint !== fingerprint)
    throw usage('--statement', `${said.human} ${said.fingerprint}`, 'is not about the key that this command names');
  io.talk(renderKeyScreen(said));
  return vouch(io, admin, options, { name, fingerprint, highest: said.highest, statement, signature });
}

async function vouch(
  io: Io,
  admin: AdminClient,
  { output }: Options,
  request: Pick<KeyRequest, 'name' | 'fingerprint' | 'highest'> & Partial<KeyRequest>,
): Promise<number> {
  const { human }: { human: WireHuman } = await admin.call('VouchHumanKey', request);
  return showHuman(io, output, human);
}

function refuseMixed({ as, because, first, key, by, statementOut, statement, signature }: Options): void {
  if ((statement === undefined) !== (signature === undefined))
    throw usage('--statement', undefined, 'goes with --signature', 'give both files');
  if (signature !== undefined && (as ?? because ?? first ?? key ?? by ?? statementOut) !== undefined)
    throw usage('--signature', undefined, 'says all: it goes with --statement alone');
  if (first === true && (because ?? key ?? by ?? statementOut) !== undefined)
    throw usage('--first', undefined, 'is root’s word, and nothing is signed: it goes with --as alone');
  if ((statementOut === undefined) !== (by === undefined))
    throw usage('--by', undefined, 'goes with --statement-out', 'a key says whose it is');
  if (statementOut !== undefined && key !== undefined)
    throw usage('--key', undefined, 'signs, and --statement-out does not');
}
