import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';

export interface Run {
  readonly exitCode: number | null;
  readonly output: string;
}

const PACKAGED = path.resolve('build/TypeFunction/dist/handlers.js');

/** What any text must not match that is shown. */
export const LIKE_A_SECRET = /(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/;

/** Runs the demo in a process group of its own, and sees that nothing of it stays. */
export async function runDemo(args: string[], env: Record<string, string> = {}): Promise<Run> {
  const demo = spawn(path.resolve('node_modules/.bin/node'), ['demo/main.ts', ...args], {
    detached: true,
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(demo.stdout),
    text(demo.stderr),
    once(demo, 'close') as Promise<[number | null]>,
  ]);
  const { pid = 0 } = demo;
  expect(() => process.kill(-pid, 0)).toThrow('ESRCH');
  return { exitCode, output: stdout + stderr };
}

/** Writes a package whose entrypoint is `body`, with the packaged one as `packaged` at hand. */
export async function writePackage(folder: string, body: string): Promise<string> {
  const dist = path.join(folder, 'dist');
  await mkdir(dist, { recursive: true });
  await writeFile(
    path.join(dist, 'handlers.js'),
    `const packaged = require(${JSON.stringify(PACKAGED)});
     exports.entrypoint = async (event, context) => { ${body} };`,
  );
  return folder;
}
