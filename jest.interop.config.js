// SPDX-License-Identifier: Apache-2.0
/** Tests against other people's programs and against the packed package: they need tools and minutes. */
import base from './jest.config.js';

export default {
  ...base,
  testMatch: ['<rootDir>/test/**/*.interop.ts'],
  testTimeout: 300_000,
  maxWorkers: 1,
};
