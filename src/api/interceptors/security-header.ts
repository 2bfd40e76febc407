// SPDX-License-Identifier: Apache-2.0
/**
 * Every Workload API call carries `workload.spiffe.io: true`, so that a program tricked into requesting a URL cannot
 * fetch an identity (SPIFFE Workload Endpoint section 3; WEP-02). Scoped to the service: health, reflection and SDS do not
 * need it (WEP-18).
 */
import { Failure } from '../../lib/failure.ts';
import { type Arrived, refuseUnless } from './refuse.ts';

const HEADER = 'workload.spiffe.io';
/** The launcher's call changes what its caller becomes, so it is not to be tricked out of anybody either. */
const SERVICES = ['/SpiffeWorkloadAPI/', '/assay.launcher.v1.Launcher/'];

export const securityHeader = refuseUnless((call: Arrived) => {
  if (!SERVICES.some((service) => call.path.startsWith(service))) return;
  const values = call.metadata.get(HEADER);
  // guard: WEP-02 test/api/workload/header.test.ts — sent twice it arrives as `true, true`, which is not `true`
  if (values.length !== 1 || values[0] !== 'true') {
    throw new Failure(
      'invalid-argument',
      'SECURITY_HEADER_MISSING',
      `security header missing: set the metadata ${HEADER}: true once`,
      {
        field: HEADER,
      },
    );
  }
});
