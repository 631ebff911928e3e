// Bundles the handlers into build/TypeFunction, which `cfn submit` packages.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const outdir = 'build/TypeFunction';

/** Modules that the SDK brings and the handlers never use, and what stands in their place. */
const UNUSED = {
  // The handlers sign with the event's credentials: the SDK must never look for others.
  '@aws-sdk/credential-provider-node': `export const defaultProvider = () => () => Promise.reject(new Error('no credentials given'));`,
  '@aws-sdk/signature-v4-multi-region': `export class SignatureV4MultiRegion { static sigv4aDependency() { return 'none'; } }`,
  '@smithy/core/event-streams': 'export {};',
};

const withoutUnused = {
  name: 'without-unused',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(?:${Object.keys(UNUSED).join('|')})$`) }, ({ path }) => ({
      path,
      namespace: 'unused',
    }));
    onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({ contents: UNUSED[path] }));
    onLoad({ filter: /@aws-sdk\/client-[\w-]+\/package\.json$/ }, async ({ path }) => {
      const { version } = JSON.parse(await readFile(path, 'utf8'));
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};

/**
 * The SDK registers every error of a service; the handlers tell those of src/aws/errors.ts apart. Its
 * computed keys keep esbuild from dropping the schemas that nothing refers to, so they are written out.
 */
const knownErrorsOnly = {
  name: 'known-errors-only',
  async setup({ onLoad }) {
    const table = await readFile('src/aws/errors.ts', 'utf8');
    onLoad({ filter: /client-[\w-]+\/dist-es\/schemas\/schemas_0\.js$/ }, async ({ path }) => {
      const schemas = await readFile(path, 'utf8');
      const texts = new Map(
        [...schemas.matchAll(/^const (\w+) = (".*");$/gm)].map(([, name, text]) => [name, text]),
      );
      const contents = schemas
        .replace(/^n0_registry\.registerError\((\w+)\$, \w+\);$/gm, (line, name) =>
          table.includes(name) ? line : '',
        )
        .replace(/\[(\w+)\]: /g, (key, name) => (texts.has(name) ? `${texts.get(name)}: ` : key));
      return { contents };
    });
  },
};

/** Events are checked against the schema's rules; its prose is for people. */
const withoutProse = {
  name: 'without-prose',
  setup({ onLoad }) {
    onLoad({ filter: /schema\/org-iam-accesskey\.json$/ }, async ({ path }) => {
      const rules = JSON.parse(await readFile(path, 'utf8'));
      delete rules.handlers;
      const isProse = (name, value) => name === 'description' && typeof value === 'string';
      const contents = JSON.stringify(rules, (name, value) =>
        isProse(name, value) ? undefined : value,
      );
      return { contents, loader: 'json' };
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
  plugins: [withoutUnused, knownErrorsOnly, withoutProse],
});
await writeFile(`${outdir}/package.json`, '{"type":"commonjs"}\n');
await writeFile('build/metafile.json', JSON.stringify(metafile));
