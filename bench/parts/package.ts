import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { folderOf, type Way } from '../builds.ts';
import { figure, type Findings } from '../figure.ts';

/** What is uploaded to Lambda: the whole folder, deflated. */
export async function measurePackage(): Promise<Findings> {
  const ours = await zippedKilobytes('ours');
  const stock = await zippedKilobytes('stock');
  return {
    figures: [
      figure(
        'package, zipped',
        'kB',
        [ours],
        { what: 'stock', samples: [stock] },
        { most: 0.01, of: 'ratio' },
      ),
    ],
  };
}

async function zippedKilobytes(way: Way): Promise<number> {
  const zip = `build/bench/${way}.zip`;
  await rm(zip, { force: true });
  await promisify(execFile)('.venv/bin/python', ['-m', 'zipfile', '-c', zip, `${folderOf(way)}/.`]);
  const { size } = await stat(zip);
  return size / 1000;
}
