// SPDX-License-Identifier: Apache-2.0
/** The caller's own SSH keys: which there are, and what they sign. All through OpenSSH's programs; no private key is read here. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure, quote } from '../lib/failure.ts';
import { parseSshKey, type SshKey } from '../lib/ssh-key.ts';
import type { Io } from './io.ts';

const MOST_BYTES = 65_536;

/** Of a private key's file, or of its `.pub`. */
export async function keyOfFile(file: string): Promise<SshKey> {
  const path = file.endsWith('.pub') ? file : `${file}.pub`;
  try {
    return parseSshKey((await readFile(path, 'utf8')).trim());
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure('invalid-argument', 'SIGNING_KEY_INVALID', `--key: ${quote(path)} cannot be read: ${code}`, {
      field: '--key',
      value: quote(path),
      hint: 'name the file of a key that has its .pub beside it',
      cause,
    });
  }
}

/** Those of the ssh-agent that could be enrolled; none where there is no agent. */
export async function keysOfAgent(io: Io): Promise<readonly SshKey[]> {
  if (!io.env.has('SSH_AUTH_SOCK')) return [];
  const { code, out } = await run(io, 'ssh-add', ['-L'], '');
  if (code !== 0) return [];
  return out.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [parseSshKey(line)];
    } catch {
      // Of a kind that approvals are not checked with: RSA, a certificate.
      return [];
    }
  });
}

/** `file`: of the key; without one the agent has it. Resolves with the armored signature. */
export async function sign(
  io: Io,
  key: SshKey,
  file: string | undefined,
  namespace: string,
  text: string,
): Promise<string> {
  if (file !== undefined) return signWith(io, file, namespace, text);
  const folder = await mkdtemp(join(tmpdir(), 'assay-sign-'));
  try {
    const named = join(folder, 'key.pub');
    await writeFile(named, `${key.type} ${key.blob}\n`, { mode: 0o600 });
    return await signWith(io, named, namespace, text);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function signWith(io: Io, file: string, namespace: string, text: string): Promise<string> {
  const { code, out, err } = await run(io, 'ssh-keygen', ['-q', '-Y', 'sign', '-f', file, '-n', namespace], text);
  if (code === 0) return out;
  const why = err.trim().split('\n').at(-1) ?? '';
  throw new Failure('failed-precondition', 'SIGNING_FAILED', `ssh-keygen did not sign with ${quote(file)}: ${why}`, {
    field: '--key',
    value: quote(file),
    hint: 'unlock or plug in the key; or sign elsewhere: --statement-out FILE, then --statement FILE --signature FILE',
  });
}

/** Standard input is the text, so a passphrase is asked for on the terminal itself. */
function run(
  io: Io,
  program: string,
  args: readonly string[],
  input: string,
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { env: Object.fromEntries(io.env) });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out = (out + chunk.toString()).slice(0, MOST_BYTES);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err = (err + chunk.toString()).slice(0, MOST_BYTES);
    });
    child.on('error', (cause) =>
      reject(
        new Failure('failed-precondition', 'SIGNING_FAILED', `${program} cannot be started`, {
          hint: 'install OpenSSH 8.2 or later',
          cause,
        }),
      ),
    );
    child.on('close', (code) => resolve({ code, out, err }));
    // One that ends before it has read all says why by its status.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
