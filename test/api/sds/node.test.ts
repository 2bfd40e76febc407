// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { takesSpiffeValidator } from '../../../src/api/sds/node.ts';

const field = (value: string | boolean) => ({
  key: 'disable_spiffe_cert_validation',
  value:
    typeof value === 'string'
      ? { kind: 'string_value', string_value: value }
      : { kind: 'bool_value', bool_value: value },
});
const node = (value?: string | boolean, version?: readonly [number, number] | null) => ({
  metadata: value === undefined ? null : { fields: [field(value)] },
  user_agent_build_version:
    version === undefined
      ? null
      : { version: version === null ? null : { major_number: version[0], minor_number: version[1] } },
});

describe('SDS-05: how validation contexts are written', () => {
  it.each([
    ['nothing said', undefined, undefined, false, true],
    ['off in the configuration', undefined, undefined, true, false],
    ['metadata true', true, undefined, false, false],
    ['metadata false over the configuration', false, undefined, true, true],
    ['metadata true over the configuration', 'true', undefined, false, false],
    ['metadata "0" over the configuration', '0', undefined, true, true],
    ['a value that is none, configuration on', 'yes', undefined, false, true],
    ['a value that is none, configuration off', 'tRUE', undefined, true, false],
    ['an empty value', '', undefined, true, false],
    ['Envoy 1.17', undefined, [1, 17], false, false],
    ['Envoy 1.17, whatever its metadata', false, [1, 17], false, false],
    ['Envoy 0.99', undefined, [0, 99], false, false],
    ['Envoy 1.18', undefined, [1, 18], false, true],
    ['Envoy 2.0', undefined, [2, 0], false, true],
    ['a build version without a version', undefined, null, false, true],
  ] as const)('%s', (_, metadata, version, disabled, spiffe) => {
    expect(takesSpiffeValidator(node(metadata, version), disabled)).toBe(spiffe);
  });

  it('without a node the configuration alone says', () => {
    expect([takesSpiffeValidator(null, false), takesSpiffeValidator(null, true)]).toEqual([true, false]);
  });

  it.each(['1', 't', 'T', 'TRUE', 'true', 'True'])('Go reads %s as true', (text) => {
    expect(takesSpiffeValidator(node(text), false)).toBe(false);
  });

  it.each(['0', 'f', 'F', 'FALSE', 'false', 'False'])('Go reads %s as false', (text) => {
    expect(takesSpiffeValidator(node(text), true)).toBe(true);
  });

  it('other metadata says nothing', () => {
    const other = fc.string().filter((key) => key !== 'disable_spiffe_cert_validation');
    fc.assert(
      fc.property(fc.array(other), fc.boolean(), (keys, disabled) => {
        const fields = keys.map((key) => ({ ...field(!disabled), key }));
        expect(takesSpiffeValidator({ metadata: { fields } }, disabled)).toBe(!disabled);
      }),
    );
  });
});
