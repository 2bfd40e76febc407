// SPDX-License-Identifier: Apache-2.0
/** How much an attestor of others may say. More than honest ones need; what is over refuses the whole answer. */
export const PLUGIN_BOUNDS = {
  kinds: 64,
  kindBytes: 64,
  selectors: 256,
  leftOut: 64,
  facts: 64,
  factItems: 256,
  /** A fact, a reason, a ground. */
  textBytes: 2_048,
  grounds: 64,
  /** An answer is good for this long at least: looking again sooner would be all that the daemon does. */
  leastGoodForMs: 100,
  /** Grounds told of within `changesEveryMs`; more are told as a change of everything. */
  changes: 1_024,
  changesEveryMs: 100,
  /** A message of a plugin in a process of its own. */
  messageBytes: 128 << 10,
  /** Of HTTP/2, for a connection to one. */
  sessionMegabytes: 8,
  /** For what the attestor has to tidy up. */
  closeMs: 5_000,
} as const;
