// SPDX-License-Identifier: Apache-2.0
/** The cluster's namespaces as they were last heard of, and what has changed since. */
import { type ListedNamespace, sameNamespace } from './namespace.ts';
import type { Book } from './shared-index.ts';

export class NamespaceBook implements Book<ListedNamespace> {
  #namespaces = new Map<string, ListedNamespace>();

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

  /** Takes the same time however many there are: whoever may label one may do so again and again. */
  put(name: string, now: ListedNamespace | undefined): readonly string[] {
    const before = this.#namespaces.get(name);
    if (now === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, now);
    return before === undefined || (now !== undefined && sameNamespace(before, now)) ? [] : [name];
  }
}
