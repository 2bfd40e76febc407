// SPDX-License-Identifier: Apache-2.0
/** `assay bundle set` */
import { open } from 'node:fs/promises';
import { Failure } from '../lib/failure.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { bundleJson, sayBundle } from './show-bundle.ts';
import { USAGE, usage } from './usage.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly file?: string;
  readonly format?: 'pem' | 'spiffe' | 'map';
  readonly mode?: string;
}

/** Half of what a request may hold by default. */
const MOST_BYTES = 512 << 10;
/** What a request may hold by default, and room for the rest of it. */
const MOST_MAP_BYTES = 1000 << 10;

export async function bundleSet(io: Io, options: Options, [trustDomain]: readonly string[]): Promise<number> {
  if (options.format === 'map') {
    if (trustDomain !== undefined)
      throw usage('trust-domain', trustDomain, 'is given beside a map, which names them all', 'leave it out');
    const { document } = await readBundleFile(io, options.file, '--file', MOST_MAP_BYTES);
    return (await import('./bundle-set-map.ts')).bundleSetMap(io, options, document);
  }
  if (options.mode !== undefined) throw usage('--mode', options.mode, 'says something with --format map alone');
  if (trustDomain === undefined) throw whose();
  const { document, format } = await readBundleFile(io, options.file, '--file');
  const request = { trust_domain: trustDomain, format: options.format ?? format, document };
  const { bundle } = await withAdmin(io, options, (admin) =>
    withFlagNames(['--format'], admin.call('SetBundle', request)),
  );
  if (options.output === 'json') {
    printJson(io, { bundle: bundleJson(bundle) });
    return 0;
  }
  sayBundle(io, bundle);
  return 0;
}

/** As commander says it; a map is never guessed, since it deletes what it leaves out. */
function whose(): Failure {
  return new Failure('invalid-argument', USAGE, "missing required argument 'trust-domain'", {
    field: 'trust-domain',
    hint: 'name it, or say --format map for a file of all of them; see: assay bundle set --help',
  });
}

/** The file or standard input, and what its first character says it is. */
export async function readBundleFile(
  io: Io,
  file: string | undefined,
  flag: string,
  most = MOST_BYTES,
): Promise<{ readonly document: Buffer; readonly format: 'pem' | 'spiffe' }> {
  const field = file === undefined ? 'standard input' : flag;
  const bytes = file === undefined || file === '-' ? await io.readInput(most) : await readFile(file, flag, most);
  if (bytes.length === 0) throw usage(field, file, 'is empty', 'give PEM certificates or a SPIFFE bundle document');
  if (bytes.length > most) throw usage(field, file, `is larger than ${most} bytes`);
  return { document: bytes, format: /^\s*\{/.test(bytes.toString('latin1', 0, 256)) ? 'spiffe' : 'pem' };
}

async function readFile(path: string, flag: string, most: number): Promise<Buffer> {
  try {
    const handle = await open(path);
    try {
      const bytes = Buffer.alloc(most + 1);
      for (let length = 0; ; ) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === bytes.length) return bytes.subarray(0, length);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw usage(flag, path, code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`);
  }
}
