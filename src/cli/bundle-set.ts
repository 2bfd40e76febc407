// SPDX-License-Identifier: Apache-2.0
/** `assay bundle set` */
import { open } from 'node:fs/promises';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { bundleJson } from './show-bundle.ts';
import { usage } from './usage.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly file?: string;
  readonly format?: 'pem' | 'spiffe';
}

/** Half of what a request may hold by default. */
const MOST_BYTES = 512 << 10;

export async function bundleSet(io: Io, options: Options, [trustDomain = '']: readonly string[]): Promise<number> {
  const { document, format } = await readBundleFile(io, options.file, '--file');
  const request = { trust_domain: trustDomain, format: options.format ?? format, document };
  const { bundle } = await withAdmin(io, options, (admin) =>
    withFlagNames(['--format'], admin.call('SetBundle', request)),
  );
  if (options.output === 'json') {
    printJson(io, { bundle: bundleJson(bundle) });
    return 0;
  }
  const count = bundle.x509_certificates.length;
  if (count === 0) io.talk(`warning: the bundle is empty, so nothing of ${bundle.trust_domain} is trusted any more\n`);
  io.out(`${bundle.trust_domain}: ${count} ${count === 1 ? 'certificate' : 'certificates'}\n`);
  return 0;
}

/** The file or standard input, and what its first character says it is. */
export async function readBundleFile(
  io: Io,
  file: string | undefined,
  flag: string,
): Promise<{ readonly document: Buffer; readonly format: 'pem' | 'spiffe' }> {
  const field = file === undefined ? 'standard input' : flag;
  const bytes = file === undefined || file === '-' ? await io.readInput(MOST_BYTES) : await readFile(file, flag);
  if (bytes.length === 0) throw usage(field, file, 'is empty', 'give PEM certificates or a SPIFFE bundle document');
  if (bytes.length > MOST_BYTES) throw usage(field, file, `is larger than ${MOST_BYTES} bytes`);
  return { document: bytes, format: /^\s*\{/.test(bytes.toString('latin1', 0, 256)) ? 'spiffe' : 'pem' };
}

async function readFile(path: string, flag: string): Promise<Buffer> {
  try {
    const handle = await open(path);
    try {
      const bytes = Buffer.alloc(MOST_BYTES + 1);
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
