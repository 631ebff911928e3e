import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { startFunction, type LocalFunction } from '../local/lambda-container.ts';

/** What is measured; `bare` are the same AWS calls with nothing around them, `node` is Node alone. */
export type Way = 'ours' | 'stock' | 'bare' | 'node';

const run = promisify(execFile);
const STOCK = 'bench/stock';

const FOLDERS: Readonly<Record<Way, string>> = {
  ours: 'build/bench/ours',
  stock: `${STOCK}/build/TypeFunction`,
  bare: 'build/bench/bare',
  node: 'build/bench/node',
};

/** The unzipped package. */
export function folderOf(way: Way): string {
  return path.resolve(FOLDERS[way]);
}

/** Beside those of Lambda and the endpoint. */
export function environmentOf(way: Way): Record<string, string> {
  return way === 'stock' ? { NODE_OPTIONS: `--require=${path.resolve('bench/redirect.cjs')}` } : {};
}

export function start(way: Way, endpoint: string): Promise<LocalFunction> {
  return startFunction({ folder: folderOf(way), endpoint, env: environmentOf(way) });
}

export async function buildAll(): Promise<void> {
  await Promise.all([buildOurs(), buildStock(), buildBare(), buildNode()]);
}

/** A copy: nobody builds anew under the benchmark. */
async function buildOurs(): Promise<void> {
  await run(process.execPath, ['scripts/build.mjs', 'TypeFunction']);
  await rm(FOLDERS.ours, { recursive: true, force: true });
  await cp('build/TypeFunction', FOLDERS.ours, { recursive: true });
  await cp('build/metafile.json', 'build/bench/metafile.json');
}

/** As `sam build` does it: compiled, with the production dependencies beside the result. */
async function buildStock(): Promise<void> {
  const models = await readFile('src/models.ts', 'utf8');
  await writeFile(
    `${STOCK}/src/models.ts`,
    models.replace("from 'class-transformer'", "from './class-transformer'"),
  );
  await rm(FOLDERS.stock, { recursive: true, force: true });
  await mkdir(FOLDERS.stock, { recursive: true });
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    await cp(`${STOCK}/${file}`, `${FOLDERS.stock}/${file}`);
  }
  const inFolder = (cwd: string) => ({ cwd, env: environmentWithoutNpm() });
  await run('npm', ['ci'], inFolder(STOCK));
  await run('npm', ['run', 'build'], inFolder(STOCK));
  await run('npm', ['ci', '--omit=dev'], inFolder(FOLDERS.stock));
  await cp(`${STOCK}/dist`, `${FOLDERS.stock}/dist`, { recursive: true });
}

async function buildBare(): Promise<void> {
  await build({
    entryPoints: ['bench/bare/handlers.ts'],
    outfile: `${FOLDERS.bare}/dist/handlers.js`,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    mainFields: ['module', 'main'],
    minify: true,
    logLevel: 'error',
  });
  await writeFile(`${FOLDERS.bare}/package.json`, '{"type":"commonjs"}\n');
}

async function buildNode(): Promise<void> {
  await mkdir(`${FOLDERS.node}/dist`, { recursive: true });
  await writeFile(`${FOLDERS.node}/package.json`, '{"type":"commonjs"}\n');
  await writeFile(
    `${FOLDERS.node}/dist/handlers.js`,
    "exports.entrypoint = async () => ({ status: 'SUCCESS' });\n",
  );
}

/** Run from a script of npm, npm would take over the settings of that run. */
function environmentWithoutNpm(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_config_')),
  );
}
