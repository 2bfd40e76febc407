// SPDX-License-Identifier: Apache-2.0
/** node-forge's ASN.1 part alone: loading the whole of forge takes 40 ms, this 7. */
declare module 'node-forge/lib/asn1.js' {
  import { asn1 } from 'node-forge';

  export default asn1;
}
