// SPDX-License-Identifier: Apache-2.0
/** The password of PKCS#12 files: the first line of a file that nobody else can read. */
import { readSecretFile } from '../config/trusted-file.ts';
import { Failure, quote } from '../lib/failure.ts';

const MOST_BYTES = 4096;

export async function readPassword(path: string, uid: number, gid: number): Promise<string> {
  const [password = ''] = (await readSecretFile(path, uid, gid, 'password_file', MOST_BYTES)).split(/\r?\n/, 1);
  if (password !== '') return password;
  throw new Failure('failed-precondition', 'HELPER_PASSWORD_EMPTY', `password_file: ${quote(path)} holds no password`, {
    field: 'password_file',
    hint: 'write the password on its first line',
  });
}
