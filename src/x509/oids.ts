// SPDX-License-Identifier: Apache-2.0
/** The object identifiers this room writes or reads. */

/** Attribute types, RFC 5280 appendix A.1. */
export const COMMON_NAME = '2.5.4.3';
export const SERIAL_NUMBER = '2.5.4.5';
export const ORGANIZATION = '2.5.4.10';

/** Extensions, RFC 5280 section 4.2.1. */
export const SUBJECT_KEY_ID = '2.5.29.14';
export const KEY_USAGE = '2.5.29.15';
export const SUBJECT_ALT_NAME = '2.5.29.17';
export const BASIC_CONSTRAINTS = '2.5.29.19';
export const NAME_CONSTRAINTS = '2.5.29.30';
export const AUTHORITY_KEY_ID = '2.5.29.35';
/** Of revocation lists and their entries, RFC 5280 sections 5.2.3, 5.2.4, 5.2.5 and 5.3.3. */
export const CRL_NUMBER = '2.5.29.20';
export const DELTA_CRL = '2.5.29.27';
export const ISSUING_DISTRIBUTION_POINT = '2.5.29.28';
export const CERTIFICATE_ISSUER = '2.5.29.29';
export const EXT_KEY_USAGE = '2.5.29.37';

/** Key purposes, RFC 5280 section 4.2.1.12. */
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
