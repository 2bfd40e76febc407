// SPDX-License-Identifier: Apache-2.0
/** package.json, what the sources import and docs/dependencies.md say the same. */
import { builtinModules } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { filesBelow, importsOf, readFile } from './sources.ts';

const manifest = JSON.parse(readFile('package.json')) as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};
const tools = JSON.parse(readFile('tools/node/package.json')) as { optionalDependencies: Record<string, string> };
const runtime = new Set(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }));
const ranges = [manifest.dependencies, manifest.devDependencies, tools.optionalDependencies].flatMap(Object.entries);
const page = readFile('docs/dependencies.md');

describe('dependencies', () => {
  it('B6: have exact versions', () => {
    expect(ranges.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('B6: are locked with their integrity, and none runs a script of its own to be installed', () => {
    const { packages } = JSON.parse(readFile('package-lock.json')) as {
      packages: Record<string, { link?: boolean; integrity?: string; resolved?: string }>;
    };
    const fetched = Object.entries(packages).filter(([path, one]) => path.includes('node_modules/') && !one.link);
    expect(fetched.filter(([, one]) => one.integrity === undefined).map(([path]) => path)).toEqual([]);
  });

  it('hold everything that what ships imports', () => {
    const missing = filesBelow('src', 'attestors')
      .filter((file) => file.endsWith('.ts'))
      .flatMap(importsOf)
      .filter((one) => !one.typeOnly && !/^(src|attestors)\//.test(one.target))
      .filter((one) => !one.target.startsWith('node:') && !runtime.has(packageOf(one.target)))
      .map((one) => `${one.file}:${one.line} imports ${one.target}`);
    expect(missing).toEqual([]);
  });

  it('are each imported by what ships', () => {
    const shipped = filesBelow('src', 'attestors').filter((file) => file.endsWith('.ts'));
    const imported = new Set(shipped.flatMap(importsOf).map((one) => packageOf(one.target)));
    expect([...runtime].filter((name) => !imported.has(name))).toEqual([]);
  });

  it('are Node’s own modules only under their node: name', () => {
    const bare = filesBelow('src', 'attestors', 'examples')
      .filter((file) => file.endsWith('.ts'))
      .flatMap(importsOf)
      .filter((one) => builtinModules.includes(one.target));
    expect(bare).toEqual([]);
  });

  it('each have their line in docs/dependencies.md', () => {
    expect(ranges.map(([name]) => name).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

const packageOf = (target: string): string => target.split('/', target.startsWith('@') ? 2 : 1).join('/');
