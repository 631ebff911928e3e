import { readFile } from 'node:fs/promises';
import type { Metafile } from 'esbuild';
import type { Findings } from './figure.ts';

/** What is in the bundle, by package. */
export async function explainBundle(file = 'build/bench/metafile.json'): Promise<Findings> {
  const { outputs } = JSON.parse(await readFile(file, 'utf8')) as Metafile;
  const packages = new Map<string, { bytes: number; files: number; roots: Set<string> }>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const { name, root } = packageOf(input);
      const entry = packages.get(name) ?? { bytes: 0, files: 0, roots: new Set() };
      packages.set(name, {
        bytes: entry.bytes + bytesInOutput,
        files: entry.files + 1,
        roots: entry.roots.add(root),
      });
    }
  }
  const twice = [...packages].filter(([, { roots }]) => roots.size > 1).map(([name]) => name);
  const total = Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = [...packages]
    .filter(([, { bytes }]) => bytes > 0)
    .sort(([, one], [, other]) => other.bytes - one.bytes)
    .map(([name, { bytes, files }]) => [
      name,
      bytes.toLocaleString('en'),
      `${((bytes / total) * 100).toFixed(1)} %`,
      String(files),
    ]);
  return {
    tables: [
      {
        title: 'What is in the bundle',
        head: ['package', 'bytes', 'share', 'files'],
        rows: [...rows, ['all', total.toLocaleString('en'), '100 %', '']],
        note:
          twice.length === 0
            ? 'Minified, not zipped. No package is in it twice.'
            : `Minified, not zipped. **In it twice: ${twice.join(', ')}.**`,
      },
    ],
  };
}

/** The ES and the CommonJS build of one package are two copies of it, as two versions are. */
function packageOf(input: string): { name: string; root: string } {
  const [before = '', ...inside] = input.split(/node_modules\/(?!.*node_modules\/)/);
  const found = /^((?:@[^/]+\/)?[^/]+)\/(dist-(?:es|cjs))?/.exec(inside.join(''));
  if (!found) return { name: 'this project', root: '' };
  const [, name = '', build = ''] = found;
  return { name, root: `${before} ${build === 'dist-cjs' ? build : ''}` };
}
