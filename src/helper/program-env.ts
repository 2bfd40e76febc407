// SPDX-License-Identifier: Apache-2.0
/**
 * The environment of what the helper starts: that of whoever started the helper, with what was configured. `bin/assay` drops what
 * could load code into our own Node and sets it aside under another name; the programs are the caller's and get it back.
 */
const SET_ASIDE = 'ASSAY_HELPER_KEPT_';
/** Set by `bin/assay` for itself. */
const OURS = 'NODE_COMPILE_CACHE';

export function programEnv(
  own: ReadonlyMap<string, string>,
  more: ReadonlyMap<string, string> = new Map(),
): NodeJS.ProcessEnv {
  const given = [...own].filter(([name]) => name !== OURS && !name.startsWith(SET_ASIDE));
  const kept = [...own].filter(([name]) => name.startsWith(SET_ASIDE));
  const back = kept.map(([name, value]) => [name.slice(SET_ASIDE.length), value] as const);
  return Object.assign(Object.create(null), Object.fromEntries([...given, ...back, ...more]));
}
