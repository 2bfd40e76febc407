// SPDX-License-Identifier: Apache-2.0
/** Tests against other people's programs and against the packed package: they need tools and minutes. */
import base from './jest.config.js';

export default {
  ...base,
  // Go's module proxy has no version of it, so it cannot be installed here: whoever has built it names it.
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env.ASSAY_SPIFFE_HELPER ? [] : ['/spiffe-helper\\.interop\\.ts$']),
  ],
  testMatch: ['<rootDir>/test/**/*.interop.ts'],
  testTimeout: 300_000,
  maxWorkers: 1,
};
