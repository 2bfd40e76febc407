// SPDX-License-Identifier: Apache-2.0
import { Failure } from '../lib/failure.ts';

export function invalidSignature(why: string): Failure {
  return new Failure('invalid-argument', 'SSHSIG_INVALID', `the signature is refused: ${why}`, {
    field: 'signature',
    hint: 'give the file as ssh-keygen -Y sign writes it',
  });
}
