/** More than 1 on a machine that is slow: scripts/vm.sh. */
const PATIENCE = Number(process.env.BERTH_TEST_PATIENCE ?? 1);
const SOAKS = '<rootDir>/test/soak/';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: PATIENCE === 1 ? 'node' : '<rootDir>/test/support/patient-environment.js',
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } }] },
  // Lazy imports name what they load as Node does.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testMatch: ['<rootDir>/(lib|agent|coordinator|cli|test|scripts|bench)/**/*.test.ts'],
  // "npm run soak" runs those alone.
  testPathIgnorePatterns: ['/node_modules/', ...(process.env.BERTH_TEST_SOAK === '1' ? [] : [SOAKS])],
  testSequencer: '<rootDir>/test/support/longest-first.js',
  testTimeout: 30_000 * PATIENCE,
  // A worker keeps what its suites leave behind, and ends at Node's own limit.
  workerIdleMemoryLimit: '1GB',
};
