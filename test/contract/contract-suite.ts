import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface ContractResult {
  readonly outcome: 'passed' | 'skipped' | 'failed';
  /** Why it was skipped or failed, in the suite's words. */
  readonly reason: string;
}

export interface ContractSuiteOptions {
  /** Where AWS is served. */
  readonly endpoint: string;
  /** Where the function is invoked. */
  readonly invokeUrl: string;
}

/**
 * Runs AWS's contract suite with one set of input files, in a folder of its own: `cfn test` would
 * stop at the first set that fails, and its log file holds every secret that it sees.
 */
export async function runContractSuite(
  set: number,
  { endpoint, invokeUrl }: ContractSuiteOptions,
): Promise<ReadonlyMap<string, ContractResult>> {
  const root = process.cwd();
  const folder = await mkdtemp(path.join(tmpdir(), 'contract-'));
  try {
    await copyProject(root, folder, set);
    const report = path.join(folder, 'report.xml');
    const output = await run(
      path.join(root, '.venv/bin/python'),
      [
        path.join(root, 'tools/cfn.py'),
        'test',
        ...['--endpoint', invokeUrl, '--function-name', 'TypeFunction', '--region', 'us-east-1'],
        ...['--', `--junitxml=${report}`],
      ],
      {
        cwd: folder,
        env: {
          PATH: process.env.PATH,
          // A type configuration of the user's own would be picked up from there.
          HOME: folder,
          AWS_ENDPOINT_URL: endpoint,
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'test',
        },
      },
    );
    const xml = await readFile(report, 'utf8').catch(() => {
      throw new Error(`the contract suite did not run:\n${output}`);
    });
    return toResults(xml);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function copyProject(root: string, folder: string, set: number): Promise<void> {
  const inputs = path.join(root, 'inputs');
  await mkdir(path.join(folder, 'inputs'));
  for (const file of await readdir(inputs)) {
    if (file.startsWith(`inputs_${set}_`)) {
      // The suite begins to count at 1.
      const name = file.replace(`inputs_${set}_`, 'inputs_1_');
      await copyFile(path.join(inputs, file), path.join(folder, 'inputs', name));
    }
  }
  for (const file of ['.rpdk-config', 'org-iam-accesskey.json']) {
    await copyFile(path.join(root, file), path.join(folder, file));
  }
}

/** The output whatever the exit status: the report tells which tests failed. */
function run(
  command: string,
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<string> {
  return new Promise((resolve) => {
    execFile(command, args, options, (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
}

function toResults(xml: string): ReadonlyMap<string, ContractResult> {
  const cases = xml.matchAll(/<testcase\b[^>]*?\bname="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs);
  const results = new Map<string, ContractResult>();
  for (const [, name = '', body = ''] of cases) {
    const verdict = /<(skipped|failure|error)\b[^>]*?\bmessage="([^"]*)"/.exec(body);
    const outcome = verdict === null ? 'passed' : verdict[1] === 'skipped' ? 'skipped' : 'failed';
    // A test may be listed twice: once for itself and once for its fixture's clean-up.
    if (results.get(name)?.outcome !== 'failed') {
      results.set(name, { outcome, reason: verdict?.[2] ?? '' });
    }
  }
  return results;
}
