// SPDX-License-Identifier: Apache-2.0
/** The cluster's namespaces as they were last heard of, and what has changed since. */
import { type ListedNamespace, sameNamespace } from './namespace.ts';
import type { Book } from './shared-index.ts';

export class NamespaceBook implements Book<ListedNamespace> {
  #namespaces: ReadonlyMap<string, ListedNamespace> = new Map();

  get size(): number {
    return this.#namespaces.size;
  }

  called(name: string): ListedNamespace | undefined {
    return this.#namespaces.get(name);
  }

  /** Returns the names of those that have other labels now, or are gone. */
  replace(items: ReadonlyMap<string, ListedNamespace>): readonly string[] {
    const changed: string[] = [];
    for (const [name, before] of this.#namespaces) {
      const now = items.get(name);
      if (now === undefined || !sameNamespace(before, now)) changed.push(name);
    }
    this.#namespaces = new Map(items);
    return changed;
  }
}
