// SPDX-License-Identifier: Apache-2.0
/** `jwt.rsa_key_type` and `jwt.rsa_audiences`: a second, RSA authority for JWT-SVIDs, and whom it signs for. */
import type { Config } from './config.ts';
import type { Setting, SettingsReader } from './reader.ts';
import { oneOf } from './settings.ts';

/** Of one list that a person writes. */
const MOST_AUDIENCES = 64;
const LONGEST_AUDIENCE = 255;
const KEY = 'jwt.rsa_audiences';
const EXAMPLE = 'write a list of audiences, such as [sts.amazonaws.com]';

const KEY_TYPE: Setting<'rsa-2048' | 'rsa-4096' | undefined> = {
  fallback: undefined,
  show: (type) => type ?? '',
  parse: oneOf<'rsa-2048' | 'rsa-4096'>('rsa-2048', ['rsa-2048', 'rsa-4096']).parse,
};

/** Undefined where no RSA key type is named. `mainKeyType` signs for everybody else. */
export function readRsaTokens(reader: SettingsReader, mainKeyType: string): Config['jwt']['rsa'] {
  const keyType = reader.read('jwt.rsa_key_type', KEY_TYPE);
  const audiences = readAudiences(reader);
  if (keyType === undefined) {
    // guard: JWT-14 test/config/rsa-tokens.test.ts — else they would be signed by a key that their verifiers refuse
    if (audiences.length > 0)
      reader.refuse(reader.label(KEY), undefined, 'stands without jwt.rsa_key_type', 'set jwt.rsa_key_type: rsa-2048');
    return undefined;
  }
  if (mainKeyType.startsWith('rsa-'))
    reader.refuse(
      reader.label('jwt.rsa_key_type'),
      keyType,
      `stands beside jwt.key_type: ${mainKeyType}, by which every token is signed with RSA`,
      'leave one of them out',
    );
  return { keyType, audiences };
}

function readAudiences(reader: SettingsReader): readonly string[] {
  const list = reader.tree(KEY);
  const found = list?.kind === 'list' ? list.items : [];
  const isAbsent = list === undefined || (list.kind === 'scalar' && list.value === undefined);
  if (!isAbsent && list.kind !== 'list')
    reader.refuse(reader.placeOf(KEY, list.line), undefined, 'must be a list', EXAMPLE);
  // guard: I9 test/config/rsa-tokens.test.ts
  if (found.length > MOST_AUDIENCES)
    reader.refuse(reader.placeOf(KEY, list?.line), found.length, `is more than ${MOST_AUDIENCES} audiences`, EXAMPLE);
  const audiences = new Set<string>();
  for (const [at, item] of found.entries()) {
    const value = item.kind === 'scalar' ? item.value : undefined;
    const fits = typeof value === 'string' && value !== '' && value.length <= LONGEST_AUDIENCE;
    if (fits && !audiences.has(value)) audiences.add(value);
    else {
      const why = fits ? 'stands there twice' : `is no audience: a text of 1 to ${LONGEST_AUDIENCE} characters`;
      reader.refuse(reader.placeOf(`${KEY}[${at}]`, item.line), value, why, EXAMPLE);
    }
  }
  reader.explain(
    KEY,
    audiences.size === 0 ? 'none' : [...audiences].join(', '),
    isAbsent ? 'default' : reader.placeOf('file', list.line),
  );
  return [...audiences];
}
