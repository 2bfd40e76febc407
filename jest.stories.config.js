// SPDX-License-Identifier: Apache-2.0
/** Whole-process stories that take minutes: a daemon killed again and again, a disk that forgets. */
import base from './jest.config.js';

export default {
  ...base,
  // Go's module proxy has no version of it, so it cannot be installed here: whoever has built it names it.
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env.ASSAY_SPIFFE_HELPER ? [] : ['/quiet-helper\\.story\\.ts$']),
  ],
  testMatch: ['<rootDir>/test/stories/**/*.story.ts'],
  testTimeout: 600_000,
  maxWorkers: 1,
};
