import { fork } from 'node:child_process';
import path from 'node:path';
import { lambdaEnvironment } from '../../local/lambda-environment-variables.ts';
import { cloudFormation, makeUser, region, succeeded } from '../account.ts';
import type { Bench } from '../bench.ts';
import { environmentOf, folderOf, start, type Way } from '../builds.ts';
import { figure, type Findings } from '../figure.ts';

interface ColdStart {
  readonly status: string;
  readonly message: string;
  /** From the start of the process to the answer. */
  readonly answerMilliseconds: number;
  readonly requireMilliseconds: number;
  readonly residentMegabytes: number;
}

const WAYS = ['stock', 'ours', 'node'] as const satisfies Way[];

/** Fresh processes in turn, each of which loads the handlers and answers one READ. */
export async function measureColdStart({ endpoint, rounds }: Bench): Promise<Findings> {
  const event = await readEvent(endpoint);
  const starts: Record<Way, ColdStart[]> = { ours: [], stock: [], bare: [], node: [] };
  for (let round = -1; round < rounds * 4; round += 1) {
    for (const way of WAYS) {
      const coldStart = await startCold(way, endpoint, event);
      // The first round finds the files on disk, the later ones in memory.
      if (round >= 0) starts[way].push(coldStart);
    }
  }
  const samples = (way: Way, name: Exclude<keyof ColdStart, 'status' | 'message'>) =>
    starts[way].map((coldStart) => coldStart[name]);
  const quarter = { most: 0.25, of: 'ratio' } as const;
  return {
    figures: [
      figure(
        'cold start, process start to first READ answer',
        'ms',
        samples('ours', 'answerMilliseconds'),
        { what: 'stock', samples: samples('stock', 'answerMilliseconds') },
        quarter,
      ),
      figure(
        'cold start, `require` alone',
        'ms',
        samples('ours', 'requireMilliseconds'),
        { what: 'stock', samples: samples('stock', 'requireMilliseconds') },
        quarter,
      ),
      figure(
        'cold start, process start to first answer',
        'ms',
        samples('ours', 'answerMilliseconds'),
        { what: 'Node alone', samples: samples('node', 'answerMilliseconds') },
      ),
      figure(
        'memory after the first READ',
        'MB',
        samples('ours', 'residentMegabytes'),
        { what: 'stock', samples: samples('stock', 'residentMegabytes') },
        { most: 1, of: 'ratio' },
      ),
      figure('memory after the first READ', 'MB', samples('ours', 'residentMegabytes'), {
        what: 'Node alone',
        samples: samples('node', 'residentMegabytes'),
      }),
    ],
  };
}

async function readEvent(endpoint: string): Promise<object> {
  const lambda = await start('ours', endpoint);
  const cfn = cloudFormation(lambda);
  const UserName = await makeUser(endpoint, 'cold-start');
  const { resourceModel } = succeeded(await cfn.create({ UserName }));
  const { requests } = succeeded(await cfn.read(String(resourceModel?.Id)));
  await lambda.stop();
  return requests[0] ?? {};
}

function startCold(way: Way, endpoint: string, event: object): Promise<ColdStart> {
  const folder = folderOf(way);
  const file = path.join(folder, 'dist/handlers.js');
  const startedAt = performance.now();
  const child = fork('bench/cold-start.cjs', [file, JSON.stringify(event)], {
    env: {
      ...lambdaEnvironment(folder, 'entrypoint', region),
      AWS_ENDPOINT_URL: endpoint,
      ...environmentOf(way),
    },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let coldStart: ColdStart | undefined;
    child.once('message', (message: ColdStart) => {
      coldStart = { ...message, answerMilliseconds: performance.now() - startedAt };
    });
    child.once('close', () => {
      if (coldStart?.status === 'SUCCESS') resolve(coldStart);
      else reject(new Error(`cold start of ${way}: ${coldStart?.message ?? 'no answer'}`));
    });
  });
}
