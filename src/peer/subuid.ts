// SPDX-License-Identifier: Apache-2.0
/**
 * Whose subuid a uid is (subuid(5)): one user may run as 65,536 uids, and counts as one (attack A9). Re-read when
 * /etc/subuid or /etc/passwd changes.
 */
import { readFileSync, statSync } from 'node:fs';

interface Range {
  readonly owner: number;
  readonly first: number;
  readonly count: number;
}

export class SubuidOwners {
  readonly #subuid: string;
  readonly #passwd: string;
  #version = '';
  #ranges: readonly Range[] = [];

  constructor(subuid = '/etc/subuid', passwd = '/etc/passwd') {
    this.#subuid = subuid;
    this.#passwd = passwd;
  }

  /** The uid itself when it is nobody's. Root's ranges serve many users' containers and make them no one's. */
  ownerOf(uid: number): number {
    const version = `${versionOf(this.#subuid)} ${versionOf(this.#passwd)}`;
    if (version !== this.#version) {
      this.#ranges = parseSubuid(textOf(this.#subuid), textOf(this.#passwd));
      this.#version = version;
    }
    const range = this.#ranges.find(({ first, count }) => uid >= first && uid < first + count);
    return range?.owner ?? uid;
  }
}

/** `name-or-uid:first:count` a row. Rows that are none are left out. */
export function parseSubuid(subuid: string, passwd: string): Range[] {
  const uids = new Map(
    passwd
      .split('\n')
      .map((row) => row.split(':'))
      .map(([name, , uid]) => [name, Number(uid)]),
  );
  return subuid.split('\n').flatMap((row) => {
    const [who = '', first = '', count = ''] = row.split(':');
    const owner = uids.get(who) ?? (/^\d+$/.test(who) ? Number(who) : undefined);
    if (owner === undefined || !Number.isInteger(owner) || owner === 0) return [];
    if (!/^\d+$/.test(first) || !/^\d+$/.test(count)) return [];
    return [{ owner, first: Number(first), count: Number(count) }];
  });
}

function versionOf(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? 'absent' : `${stats.dev}.${stats.ino}.${stats.size}.${stats.mtimeNs}.${stats.ctimeNs}`;
}

function textOf(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? '' : readFileSync(path, 'utf8');
}
