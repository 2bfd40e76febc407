// SPDX-License-Identifier: Apache-2.0
/** What is refused when policies are loaded, each with a file of `test/vectors/policy`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { MOST_POLICIES } from '../../src/policy/check.ts';
import { PolicySet } from '../../src/policy/policy-set.ts';
import { SITE } from './support.ts';

const folder = join(import.meta.dirname, '../vectors/policy');
const vectors = readdirSync(folder)
  .filter((name) => name.endsWith('.cedar'))
  .sort();
const lineOf = (text: string) => /^\/\/ expect: (.*?)[\r\n]/.exec(text)?.[1] ?? 'nothing expected';

describe('policies of a site', () => {
  it('are loaded with the guardrails', () => {
    const { policies, problems } = PolicySet.check(SITE);
    expect(problems).toEqual([]);
    expect([...policies.keys()]).toEqual(expect.arrayContaining(['lifecycle', 'support-bot-refunds']));
    expect(policies.get('support-bot-refunds')).toMatchObject({
      effect: 'permit',
      file: 'payments.cedar',
      line: 1,
      reason: 'support agents refund',
    });
  });

  it.each(vectors)('are refused: %s', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const { problems } = PolicySet.check([{ name, text }]);
    expect(problems.map(({ message }) => message).join('\n')).toContain(lineOf(text));
    expect(problems[0]?.file).toBe(name);
    expect(() => PolicySet.load([{ name, text }])).toThrow(expect.objectContaining({ reason: 'POLICY_INVALID' }));
  });

  it('A1: may forbid by what is claimed', () => {
    const text =
      '@id("a") @reason("r") forbid (principal is Identity, action == Action::"use", resource) unless { context.attested.claimed.contains("unix:path:/bin/a") };';
    expect(PolicySet.check([{ name: 'a.cedar', text }]).problems).toEqual([]);
  });

  it('are all told of in one go, each with its line', () => {
    const text =
      '// one\n@id("a")\npermit (principal is Identity, action == Action::"use", resource);\n\n@reason("r") forbid (principal is Identity, action == Action::"use", resource);';
    expect(
      PolicySet.check([{ name: 'a.cedar', text }]).problems.map(
        ({ line, message }) => `${line} ${message.slice(0, 9)}`,
      ),
    ).toEqual(['2 has no @r', '5 has no @i']);
  });

  it('I9: are no more than there may be', () => {
    const text = Array.from(
      { length: MOST_POLICIES },
      (_, at) =>
        `@id("p${at}") @reason("r") forbid (principal is Identity, action == Action::"use", resource) when { context.depth == ${at} };`,
    ).join('\n');
    expect(() => PolicySet.load([{ name: 'a.cedar', text }])).toThrow('more than the 1000 allowed');
  });

  it('B7: named as a property of every object are policies like others', () => {
    const text = '@id("constructor") @reason("r") permit (principal is Identity, action == Action::"use", resource);';
    expect(PolicySet.load([{ name: 'a.cedar', text }]).policies.get('constructor')?.reason).toBe('r');
  });
});
