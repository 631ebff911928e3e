// Bundles the handlers into build/TypeFunction, which `cfn submit` packages.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const outdir = 'build/TypeFunction';

/** The handlers sign with the event's credentials: the SDK must never look for others. */
const noDefaultCredentials = {
  name: 'no-default-credentials',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ path }) => ({
      path,
      namespace: 'none',
    }));
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({
      contents: `export const defaultProvider = () => () => Promise.reject(new Error('no credentials given'));`,
    }));
  },
};

/** The SDK registers every error of a service; the handlers tell those of src/errors.ts apart. */
const knownErrorsOnly = {
  name: 'known-errors-only',
  async setup({ onLoad }) {
    const table = await readFile('src/errors.ts', 'utf8');
    onLoad({ filter: /client-[\w-]+\/dist-es\/schemas\/schemas_0\.js$/ }, async ({ path }) => {
      const schemas = await readFile(path, 'utf8');
      const contents = schemas.replace(
        /^n0_registry\.registerError\((\w+)\$, \w+\);$/gm,
        (line, name) => (table.includes(name) ? line : ''),
      );
      return { contents };
    });
  },
};

await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });
const { metafile } = await build({
  entryPoints: ['src/handlers.ts'],
  outfile: `${outdir}/dist/handlers.js`,
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  mainFields: ['module', 'main'],
  conditions: ['module', 'import'],
  minify: true,
  keepNames: true,
  legalComments: 'none',
  // The SDK's import() of node's own modules would load what only import() needs.
  supported: { 'dynamic-import': false },
  metafile: true,
  plugins: [noDefaultCredentials, knownErrorsOnly],
});
await writeFile(`${outdir}/package.json`, '{"type":"commonjs"}\n');
await writeFile('build/metafile.json', JSON.stringify(metafile));
