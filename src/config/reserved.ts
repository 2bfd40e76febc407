// SPDX-License-Identifier: Apache-2.0
/**
 * Keys that have a meaning to come. One of them in a file is refused with that said, so that nobody believes
 * something to be on which this version cannot do.
 */
const RESERVED: readonly (readonly [path: string, what: string])[] = [
  ['helper', 'the sidecar'],
  ['policy', 'policies'],
  ['approvals', 'approvals'],
  ['upstream', 'upstream authorities'],
  ['database', 'a choice of database'],
  ['server', 'a fleet of servers and agents'],
  ['agent', 'a fleet of servers and agents'],
];

/** What a reserved key will be for; undefined for a key that means nothing. */
export function reservedFor(path: string): string | undefined {
  for (const [reserved, what] of RESERVED) {
    if (path === reserved || path.startsWith(`${reserved}.`)) return what;
  }
  return undefined;
}

/** The same for a variable, whose name has lost its dots. */
export function reservedForEnv(name: string, envNameOf: (path: string) => string): string | undefined {
  for (const [reserved, what] of RESERVED) {
    const prefix = envNameOf(reserved);
    if (name === prefix || name.startsWith(`${prefix}_`)) return what;
  }
  return undefined;
}
