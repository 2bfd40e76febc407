// SPDX-License-Identifier: Apache-2.0
/** The environment of what the helper starts: its own, without what `bin/assay` set for itself, with what was configured. */
const OF_LAUNCHER = ['NODE_COMPILE_CACHE'];

export function programEnv(
  own: ReadonlyMap<string, string>,
  more: ReadonlyMap<string, string> = new Map(),
): NodeJS.ProcessEnv {
  const kept = [...own].filter(([name]) => !OF_LAUNCHER.includes(name));
  return Object.assign(Object.create(null), Object.fromEntries([...kept, ...more]));
}
