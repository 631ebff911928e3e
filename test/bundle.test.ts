import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';

/** What the handlers may weigh in the package that Lambda unzips. Raise it only for what earns it. */
const BUDGET_BYTES = 97_000;

interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { bytesInOutput: number }>> }>
  >;
}

describe('bundle', () => {
  it('stays within its budget', async () => {
    const handlers = await readFile('build/TypeFunction/dist/handlers.js');

    const zipped = await promisify(deflateRaw)(handlers, { level: 9 });

    expect(zipped.length).toBeLessThanOrEqual(BUDGET_BYTES);
  });

  it('holds no package twice', async () => {
    const metafile = JSON.parse(await readFile('build/metafile.json', 'utf8')) as Metafile;
    const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
    const folders = new Set(inputs.map(packageFolder).filter((folder) => folder !== undefined));
    const names = [...folders].map((folder) => folder.slice(folder.lastIndexOf('node_modules/')));

    expect(names.length).toBeGreaterThan(5);
    expect([...names].sort()).toEqual([...new Set(names)].sort());
  });

  it('names the classes of errors as their authors did', async () => {
    const handlers = await readFile(path.resolve('build/TypeFunction/dist/handlers.js'), 'utf8');

    expect(handlers).toContain('"HandlerError"');
    expect(handlers).toContain('"NoSuchEntityException"');
  });
});

function packageFolder(input: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}
