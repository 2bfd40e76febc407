// SPDX-License-Identifier: Apache-2.0
/** How many connections there are, in all and from one address (I9). Those of one IPv6 network of 64 bits count as one address. */
import { isIPv6 } from 'node:net';

export class ConnectionCount {
  readonly #most: number;
  readonly #mostPerAddress: number;
  readonly #byAddress = new Map<string, number>();
  #all = 0;

  constructor(most: number, mostPerAddress: number) {
    this.#most = most;
    this.#mostPerAddress = mostPerAddress;
  }

  get all(): number {
    return this.#all;
  }

  /** The undo, or which ceiling refuses. */
  enter(address: string): (() => void) | 'all' | 'address' {
    const key = sourceOf(address);
    const count = this.#byAddress.get(key) ?? 0;
    // guard: I9 test/https/bounds.test.ts
    if (this.#all >= this.#most) return 'all';
    // guard: I9 test/https/bounds.test.ts
    if (count >= this.#mostPerAddress) return 'address';
    this.#all += 1;
    this.#byAddress.set(key, count + 1);
    return () => this.#leave(key);
  }

  #leave(key: string): void {
    this.#all -= 1;
    const left = (this.#byAddress.get(key) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(key);
    else this.#byAddress.set(key, left);
  }
}

/** Whoever has one address of a /64 has all of them (RFC 6177). An IPv4 address in IPv6 form is that IPv4 address. */
export function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const plain = address.replace(/%.*$/, '');
  if (!isIPv6(plain)) return address;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
