// SPDX-License-Identifier: Apache-2.0
/** Blocks of a page of the documentation, so that a test runs what the page shows. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const top = resolve(import.meta.dirname, '../..');

/** The one block of this language that holds `word`. */
export function pageBlock(page: string, language: string, word: string): string {
  const text = readFileSync(join(top, page), 'utf8');
  const all = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, block = '']) => block,
  );
  const [found, ...more] = all.filter((block) => block.includes(word));
  if (found === undefined || more.length > 0)
    throw new Error(`${page}: ${more.length + (found === undefined ? 0 : 1)} blocks of ${language} hold ${word}`);
  return found;
}
