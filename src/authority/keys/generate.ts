// SPDX-License-Identifier: Apache-2.0
/** Makes key pairs. RSA takes from a tenth of a second to several, so it is made off the event loop; EC takes 50 µs. */
import { generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { AuthorityKeyType } from '../key-manager.ts';

const generateKeyPairOffLoop = promisify(generateKeyPair);

export async function generateKey(type: AuthorityKeyType): Promise<KeyObject> {
  switch (type) {
    case 'ec-p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    case 'ec-p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    case 'ec-p521':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey;
    case 'rsa-2048':
      return (await generateKeyPairOffLoop('rsa', { modulusLength: 2048 })).privateKey;
    case 'rsa-4096':
      return (await generateKeyPairOffLoop('rsa', { modulusLength: 4096 })).privateKey;
  }
}
