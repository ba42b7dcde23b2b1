import base from './jest.config.mjs'

/** How much of the mapping logic the unit tests must reach: `npm run coverage`. Below it, the command fails. */
export default {
  ...base,
  roots: ['<rootDir>/test/core', '<rootDir>/test/glue'],
  collectCoverage: true,
  coverageProvider: 'v8',
  coverageDirectory: '.cache/coverage',
  coverageReporters: ['text'],
  collectCoverageFrom: [
    'core/mapping.ts',
    'core/parse-mapping.ts',
    'glue/build-intermediate.ts',
    'glue/intermediate.ts',
    'glue/sql/*.ts',
  ],
  coverageThreshold: { global: { lines: 95, functions: 95, branches: 80 } },
}
