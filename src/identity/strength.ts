// SPDX-License-Identifier: Apache-2.0
/**
 * How hard a selector is to fake (attack A1):
 *
 * - `kernel`: the kernel's word about the peer (uid, gid);
 * - `authority`: a root-owned engine, kubelet or system manager vouches;
 * - `bound`: the launcher started the program;
 * - `claimed`: the workload had a hand in it (path, digest, argv, environment). Never the sole ground of an identity
 *   unless an operator says so.
 */
export type Strength = 'kernel' | 'authority' | 'bound' | 'claimed';
