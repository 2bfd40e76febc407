// SPDX-License-Identifier: Apache-2.0
/** A page of `docs/consumers`, whose blocks are carried out one after the other, in places of the test's own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { top } from '../../support/daemon.ts';

interface Block {
  readonly language: string;
  readonly text: string;
}

export class ConsumerPage {
  readonly #name: string;
  readonly #blocks: Block[];
  readonly #replaced: readonly (readonly [from: RegExp | string, to: string])[];

  /** `replaced`: what the page says, and what stands for it here. */
  constructor(name: string, replaced: readonly (readonly [from: RegExp | string, to: string])[]) {
    this.#name = name;
    this.#replaced = replaced;
    const text = readFileSync(join(top, 'docs/consumers', name), 'utf8');
    this.#blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', block = '']) => ({
      language,
      text: block,
    }));
  }

  /** The next block, which is of this language ('' for plain commands). Each is taken once, in the page's order. */
  take(language: string): string {
    const block = this.#blocks.shift();
    if (block?.language !== language)
      throw new Error(`${this.#name}: the next block is ${JSON.stringify(block)}, not one of "${language}"`);
    return this.#replaced.reduce<string>((text, [from, to]) => text.replaceAll(from, to), block.text);
  }

  /** Blocks that nothing has taken. */
  get left(): number {
    return this.#blocks.length;
  }
}
