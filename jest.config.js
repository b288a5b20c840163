/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } }] },
  testMatch: ['<rootDir>/(lib|agent|coordinator|cli|test|scripts|bench)/**/*.test.ts'],
  testTimeout: 30_000,
};
