/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } }] },
  testMatch: ['<rootDir>/(lib|agent|coordinator|cli|test|scripts)/**/*.test.ts'],
  testTimeout: 30_000,
};
