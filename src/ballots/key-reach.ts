// SPDX-License-Identifier: Apache-2.0
/** Which uids and groups of this machine reach a human's keys (attack C2), by its account files. Pure. */
import type { KeyReach } from '../approvals/uid-relation.ts';

/** As they lie in /etc. */
export interface AccountTexts {
  readonly passwd: string;
  readonly group: string;
  readonly subuid: string;
}

/** Whoever is in one of them becomes root, or reads any disk, without being asked again. */
const AS_GOOD_AS_ROOT = new Set([
  ...['root', 'docker', 'podman', 'lxd', 'incus', 'incus-admin', 'libvirt', 'disk', 'kmem', 'shadow'],
  ...['sudo', 'wheel', 'admin'],
]);
const NUMBER = /^\d{1,10}$/;

/** `uids`: under which they work. Ranges whose owner is on no record are everybody's: whose they are is not known. */
export function keyReach(uids: readonly number[], { passwd, group, subuid }: AccountTexts): KeyReach {
  const uidOf = new Map(fieldsOf(passwd).flatMap(([name, , uid]) => numbered(name, uid)));
  const ranges = fieldsOf(subuid).flatMap(([who = '', first = '', count = '']) =>
    NUMBER.test(first) && NUMBER.test(count)
      ? [{ owner: uidOf.get(who) ?? (NUMBER.test(who) ? Number(who) : undefined), first: +first, count: +count }]
      : [],
  );
  // Whose subordinate one of theirs is can become it.
  const above = ranges
    .filter(({ first, count }) => uids.some((uid) => uid >= first && uid < first + count))
    .flatMap(({ owner }) => owner ?? []);
  return {
    uids: uids.length === 0 ? [] : [...uids, ...above],
    ranges: ranges.filter(({ owner }) => owner === undefined || uids.includes(owner)),
    gids: fieldsOf(group)
      .filter(([name = '']) => AS_GOOD_AS_ROOT.has(name))
      .flatMap(([name, , gid]) => numbered(name, gid).map(([, number]) => number)),
  };
}

function fieldsOf(text: string): readonly (readonly string[])[] {
  return text.split('\n').map((row) => row.trim().split(':'));
}

function numbered(name: string | undefined, number: string | undefined): [string, number][] {
  return name === undefined || number === undefined || !NUMBER.test(number) ? [] : [[name, Number(number)]];
}
