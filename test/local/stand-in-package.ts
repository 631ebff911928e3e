import { mkdtemp, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Writes a package whose dist/handlers.js is the given CommonJS code. */
export async function writeStandIn(code: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'function-'));
  await mkdir(path.join(folder, 'dist'));
  await writeFile(path.join(folder, 'dist/handlers.js'), code);
  return folder;
}
