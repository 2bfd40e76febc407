// SPDX-License-Identifier: Apache-2.0
/** What Envoys are served: on unless told otherwise, under SPIRE's names. */
import { describe, expect, it } from '@jest/globals';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('sds');
const read = (yaml: string) => inspect(dir, { yaml: PLACES + yaml });

describe('sds', () => {
  it('SDS-01, SDS-04: is on, with the names of SPIRE’s agent and the SPIFFE validator', async () => {
    const { config, problems } = await read('');
    expect(problems).toEqual([]);
    expect(config.sds).toEqual({
      names: { svid: 'default', bundle: 'ROOTCA', allBundles: 'ALL' },
      disableSpiffeCertValidation: false,
    });
  });

  it('takes other names, and the validator off', async () => {
    const { config, problems } = await read(
      'sds: { default_svid_name: me, default_bundle_name: us, default_all_bundles_name: them, disable_spiffe_cert_validation: true }',
    );
    expect(problems).toEqual([]);
    expect(config.sds).toEqual({
      names: { svid: 'me', bundle: 'us', allBundles: 'them' },
      disableSpiffeCertValidation: true,
    });
  });

  it('is off when told so, and where X.509-SVIDs are', async () => {
    for (const yaml of ['workload_api: { sds: false }', 'workload_api: { x509: false }']) {
      const { config, problems } = await read(yaml);
      expect([config.sds, problems]).toEqual([undefined, []]);
    }
  });

  it('has no two names that are the same', async () => {
    const { problems } = await read('sds: { default_svid_name: ALL }');
    expect(problems.map((one) => one.message)).toEqual([
      'sds.default_all_bundles_name: "ALL" is also sds.default_svid_name',
    ]);
  });

  it('SDS-03: no name may stand in the place of an identity', async () => {
    for (const key of ['default_svid_name', 'default_bundle_name', 'default_all_bundles_name'])
      expect((await read(`sds: { ${key}: "spiffe://example.org/a" }`)).problems).toHaveLength(1);
  });
});
