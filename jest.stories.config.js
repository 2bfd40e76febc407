// SPDX-License-Identifier: Apache-2.0
/** Whole-process stories that take minutes: a daemon killed again and again, a disk that forgets. */
import base from './jest.config.js';

export default {
  ...base,
  testMatch: ['<rootDir>/test/stories/**/*.story.ts'],
  testTimeout: 600_000,
  maxWorkers: 1,
};
