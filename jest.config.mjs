/** Native ES modules: run through `npm test`, which sets --experimental-vm-modules. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // Suites of minutes: `npm run test:edges`, `test:iam`, `test:kill` and `test:replay` ask for them.
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env.SLUICE_LONG === 'true' ? [] : ['/e2e/edges', '/e2e/iam', '/e2e/kill', '/e2e/replay\\.']),
  ],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' }, experimental: { keepImportAttributes: true } },
        module: { type: 'es6' },
      },
    ],
  },
  testTimeout: 30_000,
  maxWorkers: 2,
}
