// SPDX-License-Identifier: Apache-2.0
/** `docs/helper.md` and the pages of consumers show configurations that are read; the former names every key that there is. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseYamlTree } from '../../src/config/yaml-tree.ts';
import { readYamlSettings } from '../../src/helper/yaml-config.ts';
import { inspect } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = resolve(import.meta.dirname, '../..');
const dir = tempDir('helper-docs');
const page = readFileSync(join(top, 'docs/helper.md'), 'utf8');
const yamlIn = (text: string): string[] =>
  [...text.matchAll(/```yaml\n((?:.|\n)*?)```/g)].map(([, yaml]) => yaml as string);
const examples = yamlIn(page);

describe('docs/helper.md', () => {
  it('shows configurations that are read', async () => {
    expect(examples).toHaveLength(2);
    const text = examples.join('');
    const names = { uid: async () => 33, gid: async () => 33 };
    const { outputs, supervise } = await readYamlSettings(parseYamlTree(text, 'helper.yaml'), 'helper.yaml', names);
    expect(outputs.map(({ name }) => name)).toEqual(['web', 'java']);
    expect(supervise?.command[0]).toBe('nginx');
  });

  it('names every key of our configuration', () => {
    const sources = globSync('src/helper/yaml-*.ts', { cwd: top }).map((file) => readFileSync(join(top, file), 'utf8'));
    const keys = sources.flatMap((text) =>
      [
        ...text.matchAll(
          /(?:\.(?:text|requiredText|flag|duration|number|oneOf|texts|section|sections|list)\(|(?:fileName|octalMode|signalName|parsed|bundleOf|pathOf)\(\w+, )'([a-z0-9_]+)'/g,
        ),
      ].map(([, key]) => key as string),
    );
    expect(new Set(keys).size).toBeGreaterThan(35);
    expect([...new Set(keys)].filter((key) => !new RegExp(`\\b${key}\\b`).test(page))).toEqual([]);
  });
});

describe('docs/clouds.md', () => {
  it('shows a configuration of the daemon and one of the helper that are read', async () => {
    const [daemon, helper, ...more] = yamlIn(readFileSync(join(top, 'docs/clouds.md'), 'utf8'));
    expect(more).toEqual([]);
    const { config } = await inspect(dir, { yaml: `${daemon}trust_domain: example.org\n` });
    expect(config.jwt.issuer).toBe('https://id.example.org');
    const names = { uid: async () => undefined, gid: async () => undefined };
    const tree = parseYamlTree(helper as string, 'helper.yaml');
    const { outputs, warnings } = await readYamlSettings(tree, 'helper.yaml', names);
    expect([outputs.map(({ name }) => name), warnings]).toEqual([['cloud'], []]);
  });
});

describe('docs/consumers', () => {
  it.each(globSync('docs/consumers/*.md', { cwd: top }))('%s shows configurations that are read', async (file) => {
    const shown = yamlIn(readFileSync(join(top, file), 'utf8'));
    expect(shown).toHaveLength(2);
    const names = { uid: async () => undefined, gid: async () => undefined };
    for (const text of shown) {
      const { outputs, warnings } = await readYamlSettings(parseYamlTree(text, 'helper.yaml'), 'helper.yaml', names);
      expect(outputs).toHaveLength(1);
      expect(warnings).toEqual([]);
    }
  });
});
