// SPDX-License-Identifier: Apache-2.0
/** Node strips the types itself, so nothing is transformed. */
export default {
  testEnvironment: 'node',
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'json', 'node'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testTimeout: 30_000,
  // Modules of a test file stay in the memory of whoever ran it: past this a worker makes room for another. With it there is always one.
  workerIdleMemoryLimit: '1500MB',
};
