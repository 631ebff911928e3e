/** The rooms of src/, from top to bottom: each imports from itself and from those below it. */
const ROOMS = [
  '^src/handlers\\.ts$',
  '^src/handlers/',
  '^src/creation/',
  '^src/rules/',
  '^src/resource/',
  '^src/aws/',
  '^src/schema\\.ts$',
  '^src/models\\.ts$',
  '^src/runtime/',
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  allowed: [
    { from: {}, to: { pathNot: '^src/' } },
    ...ROOMS.map((room, index) => ({ from: { path: room }, to: { path: ROOMS.slice(index) } })),
  ],
  allowedSeverity: 'error',
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'is-resolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Imports of types count.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
