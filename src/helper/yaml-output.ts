// SPDX-License-Identifier: Apache-2.0
/** One item of `outputs`. */
import { isAbsolute, normalize } from 'node:path';
import type { AccountNames } from '../config/accounts.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import { readOwner } from './owner.ts';
import type { SectionReader } from './section-reader.ts';
import type {
  Actions,
  JwtBundleOutput,
  Modes,
  Output,
  SpiffeBundleOutput,
  TokenOutput,
  X509Output,
} from './settings.ts';
import { fileName, octalMode, signalName } from './values.ts';

/** As spiffe-helper's (cmd/spiffe-helper/config/config.go). */
export const DEFAULT_MODES: Modes = { cert: 0o644, key: 0o600, jwt: 0o600, jwtBundle: 0o600 };
const RUN_TIMEOUT_MS = 30_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export async function readOutput(reader: SectionReader, accounts: AccountNames): Promise<Output> {
  const name = reader.requiredText('name', 'name it, for the log and the health page');
  if (name !== '' && !NAME.test(name))
    reader.refuse('name', 'is no plain name', 'use letters, digits, ".", "_" and "-"');
  const spiffeId = parsed(reader, 'spiffe_id', (text) => SpiffeId.parseWorkload(text));
  const hint = reader.text('hint');
  if (spiffeId !== undefined && hint !== undefined)
    reader.refuse('hint', 'stands beside spiffe_id', 'give one of them');
  const trustDomain = parsed(reader, 'trust_domain', (text) => TrustDomain.parse(text)) ?? spiffeId?.trustDomain;
  const output: Output = {
    name,
    folder: absoluteFolder(reader),
    pick: { spiffeId, hint },
    owner: await readOwner(reader, accounts),
    modes: {
      cert: octalMode(reader, 'cert_mode', DEFAULT_MODES.cert),
      key: octalMode(reader, 'key_mode', DEFAULT_MODES.key),
      jwt: octalMode(reader, 'jwt_mode', DEFAULT_MODES.jwt),
      jwtBundle: octalMode(reader, 'bundle_mode', DEFAULT_MODES.cert),
    },
    x509: readX509(reader),
    tokens: reader.sections('jwt').flatMap(readToken),
    jwtBundle: bundleOf(reader, 'jwt_bundle', trustDomain),
    spiffeBundle: bundleOf(reader, 'spiffe_bundle', trustDomain),
    actions: readActions(reader),
  };
  if (output.x509 === undefined && output.tokens.length === 0 && !output.jwtBundle && !output.spiffeBundle)
    reader.refuse('name', 'writes nothing', 'give it x509, jwt, jwt_bundle or spiffe_bundle');
  reader.finish();
  return output;
}

function absoluteFolder(reader: SectionReader): string {
  const folder = reader.requiredText('folder', 'give the folder that the files go to');
  if (folder === '') return folder;
  if (!isAbsolute(folder) || folder.split('/').includes('..'))
    reader.refuse('folder', 'is no absolute path without ".."', 'give the whole path, from /');
  return normalize(folder).replace(/(?<=.)\/$/, '');
}

function readX509(reader: SectionReader): X509Output | undefined {
  const section = reader.section('x509');
  if (section === undefined) return undefined;
  const x509: X509Output = {
    files: {
      cert: fileName(section, 'cert'),
      key: fileName(section, 'key'),
      bundle: fileName(section, 'bundle'),
      combined: fileName(section, 'combined'),
      certDer: fileName(section, 'cert_der'),
      keyDer: fileName(section, 'key_der'),
      pkcs12: fileName(section, 'pkcs12'),
      pkcs12Bundle: fileName(section, 'pkcs12_bundle'),
    },
    passwordFile: section.text('password_file'),
    intermediatesInBundle: section.flag('intermediates_in_bundle', false),
    federatedBundles: section.flag('federated_bundles', false),
    omitExpired: section.flag('omit_expired', false),
  };
  section.finish();
  if (Object.values(x509.files).every((name) => name === undefined))
    reader.refuse('x509', 'names no file', 'give it cert and key, combined, or another of its keys');
  const locked = x509.files.pkcs12 !== undefined || x509.files.pkcs12Bundle !== undefined;
  if (locked && x509.passwordFile === undefined)
    section.refuse('password_file', 'is required for PKCS#12', 'name a file that holds the password and nothing else');
  if (!locked && x509.passwordFile !== undefined) section.refuse('password_file', 'is of use to PKCS#12 alone');
  if (x509.passwordFile !== undefined && !isAbsolute(x509.passwordFile))
    section.refuse('password_file', 'is no absolute path', 'give the whole path, from /');
  return x509;
}

function readToken(section: SectionReader): readonly TokenOutput[] {
  const file = fileName(section, 'file');
  const [first, ...more] = section.texts('audience');
  if (section.tree('file') === undefined) section.refuse('file', 'is required', 'name the file for the token');
  if (first === undefined) section.refuse('audience', 'is required', 'name who takes the token');
  section.finish();
  return file === undefined || first === undefined ? [] : [{ file, audiences: [first, ...more] }];
}

function bundleOf(
  reader: SectionReader,
  key: string,
  trustDomain: TrustDomain | undefined,
): (JwtBundleOutput & SpiffeBundleOutput) | undefined {
  const file = fileName(reader, key);
  if (file === undefined) return undefined;
  if (trustDomain !== undefined) return { file, trustDomain };
  reader.refuse(key, 'is the bundle of a trust domain that nothing names', 'give trust_domain or spiffe_id');
  return undefined;
}

function readActions(reader: SectionReader): Actions {
  const signal = reader.section('signal');
  const run = reader.section('run');
  const pidFile = signal?.requiredText('pid_file', 'name the file that holds the pid');
  if (pidFile !== undefined && pidFile !== '' && !isAbsolute(pidFile))
    signal?.refuse('pid_file', 'is no absolute path', 'give the whole path, from /');
  const name = signal === undefined ? undefined : (signalName(signal, 'signal') ?? 'SIGHUP');
  const [program, ...args] = run?.texts('command') ?? [];
  const timeoutMs = run?.duration('timeout', RUN_TIMEOUT_MS) ?? RUN_TIMEOUT_MS;
  if (run !== undefined && program === undefined)
    run.refuse('command', 'is required', 'write it as a list: [systemctl, reload, nginx]');
  signal?.finish();
  run?.finish();
  return {
    signal: pidFile === undefined || name === undefined ? undefined : { pidFile, signal: name },
    run: program === undefined ? undefined : { command: [program, ...args], timeoutMs },
  };
}

function parsed<T>(reader: SectionReader, key: string, parse: (text: string) => T): T | undefined {
  const text = reader.text(key);
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    reader.refuse(key, error.message, error.hint);
    return undefined;
  }
}
