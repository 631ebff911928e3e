/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // local/ has no tests, but `make check` asks which tests reach it.
  roots: ['<rootDir>/test', '<rootDir>/cdk/test', '<rootDir>/local'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          // src/models.ts is generated with the decorators of class-transformer.
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2023',
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
      },
    ],
    // Modules of mockttp that are ES modules only.
    '/node_modules/(get-port|milliparsec)/.+\\.js$': [
      '@swc/jest',
      { module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(get-port|milliparsec)/)'],
  testTimeout: 120_000,
  maxWorkers: 3,
};
