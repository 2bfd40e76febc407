// SPDX-License-Identifier: Apache-2.0
/**
 * Leaf templates by entry, for one signer; a new signer starts with an empty cache. Bounded: the least recently used goes.
 *
 * An entry's revision alone is no proof that a template is still right, since an entry may be deleted and made again under
 * the same id, with revision 1 and another SPIFFE ID. So the signed fields themselves are compared on every use (I2).
 */
import type { WorkloadKeyType } from '../config/config.ts';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import { LeafTemplate } from '../x509/leaf.ts';
import type { Signer } from '../x509/types.ts';

export interface TemplateRequest {
  readonly entryId: string;
  readonly entryRevision: number;
  readonly spiffeId: SpiffeId;
  readonly dnsNames: readonly string[];
  readonly keyType: WorkloadKeyType;
  /** The task that it names: nobody asks for it again once that is over. */
  readonly task?: string | undefined;
}

interface Held extends TemplateRequest {
  readonly template: LeafTemplate;
}

/** At about 2 kB each, 32 MB at most. */
export const MOST_TEMPLATES = 16_384;
/** Apart: tasks come and go, and would drive out those of entries. */
export const MOST_OF_TASKS = 256;

export class TemplateCache {
  readonly #signer: Signer;
  readonly #most: number;
  readonly #mostOfTasks: number;
  readonly #held = new Map<string, Held>();
  readonly #ofTasks = new Map<string, Held>();

  constructor(signer: Signer, most = MOST_TEMPLATES, mostOfTasks = MOST_OF_TASKS) {
    this.#signer = signer;
    this.#most = most;
    this.#mostOfTasks = mostOfTasks;
  }

  get size(): number {
    return this.#held.size + this.#ofTasks.size;
  }

  get(req: TemplateRequest): LeafTemplate {
    // guard: I9 test/authority/template-cache.test.ts
    if (req.task !== undefined) return this.#take(this.#ofTasks, `${req.entryId} ${req.task}`, req, this.#mostOfTasks);
    return this.#take(this.#held, req.entryId, req, this.#most);
  }

  #take(all: Map<string, Held>, key: string, req: TemplateRequest, most: number): LeafTemplate {
    const held = all.get(key);
    if (held !== undefined) {
      all.delete(key);
      if (isSame(held, req)) {
        all.set(key, held);
        return held.template;
      }
    }
    const { entryId, entryRevision, spiffeId, dnsNames, keyType } = req;
    const template = LeafTemplate.build({ spiffeId, dnsNames, keyType, signer: this.#signer });
    all.set(key, { entryId, entryRevision, spiffeId, dnsNames: [...dnsNames], keyType, template });
    // guard: I9 test/authority/template-cache.test.ts
    if (all.size > most) all.delete(all.keys().next().value!);
    return template;
  }
}

function isSame(held: Held, req: TemplateRequest): boolean {
  // guard: I2 test/authority/template-cache.test.ts
  if (!held.spiffeId.equals(req.spiffeId)) return false;
  // guard: I2 test/authority/template-cache.test.ts
  if (held.dnsNames.length !== req.dnsNames.length || held.dnsNames.some((name, i) => name !== req.dnsNames[i]))
    return false;
  return held.entryRevision === req.entryRevision && held.keyType === req.keyType;
}
