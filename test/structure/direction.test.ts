// SPDX-License-Identifier: Apache-2.0
/** Which way things point: each forbidden import with the reason it is forbidden. */
import { describe, expect, it } from '@jest/globals';
import { type Rule, rules } from './direction-rules.ts';
import { filesBelow, importsOf } from './sources.ts';

/** The rules that an import breaks. */
const broken = (file: string, target: string): readonly Rule[] =>
  rules.filter((rule) => rule.who.test(file) && rule.mayNot.test(target) && !rule.but?.test(file));

const sources = filesBelow('src', 'attestors', 'examples').filter((file) => file.endsWith('.ts'));
const imports = sources.flatMap(importsOf);

describe('the direction of imports', () => {
  it('is kept by every file', () => {
    const found = imports.flatMap(({ file, line, target }) =>
      broken(file, target).map((rule) => `${file}:${line} imports ${target}: ${rule.reason}`),
    );
    expect(found).toEqual([]);
  });

  it.each([
    ['attestors/unix/unix-attestor.ts', 'src/peer/native.ts'],
    ['attestors/unix/unix-attestor.ts', 'node:fs'],
    ['src/lib/clock.ts', 'src/identity/selector.ts'],
    ['src/client/x509-source.ts', 'src/issuance/standing.ts'],
    ['src/registry/registry.ts', 'src/store/sqlite/sqlite-store.ts'],
    ['src/issuance/standing.ts', '@grpc/grpc-js'],
    ['src/daemon/daemon.ts', 'attestors/unix/unix-attestor.ts'],
    ['src/peer/listener.ts', 'koffi'],
    ['src/policy/decide.ts', 'src/store/policies.ts'],
    ['src/policy/policy-set.ts', '@cedar-policy/cedar-wasm/nodejs'],
    ['src/jwt/svid.ts', 'src/x509/verify.ts'],
    ['src/jwt/svid.ts', 'node:fs'],
    ['src/approvals/approval.ts', 'src/store/humans.ts'],
    ['src/ballots/ballots.ts', 'src/tasks/tasks.ts'],
    ['src/evidence/verify.ts', 'src/audit/log-key.ts'],
    ['src/evidence/verify.ts', 'src/store/store.ts'],
    ['src/grants/grants.ts', 'src/ballots/ballots.ts'],
    ['src/helper/helper.ts', 'src/issuance/standing.ts'],
    ['src/detectors/watch.ts', 'src/issuance/standing.ts'],
    ['src/metrics/numbers.ts', 'src/store/store.ts'],
  ])('would be broken by %s importing %s', (file, target) => {
    expect(broken(file, target)).not.toEqual([]);
  });

  it('has no circle of files that need each other to load', () => {
    const edges = Map.groupBy(
      sources.flatMap((file) => valueImports(file).map((target) => ({ file, target }))),
      (edge) => edge.file,
    );
    expect(findCircle(new Map([...edges].map(([file, list]) => [file, list.map((edge) => edge.target)])))).toEqual([]);
  });

  it('loads node:http in no start: its getters, which an import evaluates, load Node’s own undici', () => {
    // The helper is a program of its own, loaded for `assay helper` alone.
    const ours = /^src\/(?!helper\/)/;
    const loads = imports.filter((one) => one.target === 'node:http' && !one.typeOnly && ours.test(one.file));
    expect(loads).toEqual([]);
  });

  it('has no folder called util or common', () => {
    expect(
      sources.filter((file) => /\/(utils?|common|helpers?|misc)\//.test(file) && !file.startsWith('src/helper/')),
    ).toEqual([]);
  });
});

function valueImports(file: string): string[] {
  const ours = importsOf(file).filter((one) => !one.typeOnly && /^(src|attestors)\//.test(one.target));
  return ours.map((one) => one.target);
}

function findCircle(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of edges.get(file) ?? []) {
      const circle = walk(next, [...path, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  for (const file of edges.keys()) {
    const circle = walk(file, []);
    if (circle.length > 0) return circle;
  }
  return [];
}
