import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export const run = promisify(execFile);

export const root = path.resolve(__dirname, '../..');

/** @returns what cfn-lint has to say, which is nothing of a template without faults. */
export async function lint(template: unknown): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'template-'));
  const file = path.join(folder, 'template.json');
  await writeFile(file, JSON.stringify(template));
  const args = ['--append-rules=examples/cfn-lint', '--registry-schemas=schema', '--', file];
  const { stdout } = await run(path.join(root, '.venv/bin/cfn-lint'), args, { cwd: root }).catch(
    // The exit status only says that there are faults.
    (error: unknown) => error as { stdout: string },
  );
  await rm(folder, { recursive: true });
  return stdout;
}
