// SPDX-License-Identifier: Apache-2.0
/** Keys that live and die with the process. A restart finds none of them and starts with an unannounced root (I6). */
import type { Random } from '../../lib/random.ts';
import type { AuthorityKey, KeyManager } from '../key-manager.ts';
import { authorityKeyOf, newKeyRef } from './authority-key.ts';
import { generateKey } from './generate.ts';

export function memoryKeyManager(opts: { random: Random }): KeyManager {
  const held = new Map<string, AuthorityKey>();
  return {
    name: 'memory',
    async generate(purpose, type) {
      const key = authorityKeyOf(newKeyRef(purpose, opts.random), type, await generateKey(type));
      held.set(key.ref, key);
      return key;
    },
    get: async (ref) => held.get(ref),
    list: async () => [...held.keys()],
    async remove(ref) {
      held.delete(ref);
    },
  };
}
