import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { startMoto } from '../local/moto-server.ts';
import type { Bench } from './bench.ts';
import { buildAll } from './builds.ts';
import { explainBundle } from './bundle.ts';
import { toChart } from './chart.ts';
import type { Findings } from './figure.ts';
import { toMarkdown, toTable, toText } from './format.ts';
import { measureColdStart } from './parts/cold-start.ts';
import { measureCreate } from './parts/create.ts';
import { measureEndurance } from './parts/endurance.ts';
import { measureList } from './parts/list.ts';
import { measurePackage } from './parts/package.ts';
import { measureRead } from './parts/read.ts';
import { measureRoundTrips } from './parts/round-trips.ts';

const PARTS: Readonly<Record<string, (bench: Bench) => Promise<Findings>>> = {
  package: measurePackage,
  cold: measureColdStart,
  read: measureRead,
  trips: measureRoundTrips,
  create: measureCreate,
  endurance: measureEndurance,
  list: measureList,
  bundle: () => explainBundle(),
};

const USAGE = `make bench ARGS="[--only PART,PART] [--quick] [--no-build]"
parts: ${Object.keys(PARTS).join(', ')}
Only a run of all parts, not quick, writes bench/RESULTS.md; any other writes build/bench/RESULTS.md.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
    quick: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const parts = values.only.split(',');
if (values.help || parts.some((part) => !(part in PARTS))) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}
await mkdir('build/bench', { recursive: true });
const say = (line: string) => {
  console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
};
if (!values['no-build']) {
  say('building both packages');
  await buildAll();
}

const findings: Findings[] = [];
const moto = await startMoto();
try {
  const bench = {
    endpoint: moto.endpoint,
    rounds: values.quick ? 2 : 7,
    isQuick: values.quick,
    say,
  };
  for (const part of parts) {
    say(part);
    const found = await PARTS[part]?.(bench);
    if (found) findings.push(found);
  }
} finally {
  await moto.stop();
}

const figures = findings.flatMap((found) => found.figures ?? []);
const tables = [
  ...(figures.length > 0 ? [toTable(figures)] : []),
  ...findings.flatMap((found) => found.tables ?? []),
];
console.log(tables.map(toText).join('\n\n'));

const isFull = !values.quick && parts.length === Object.keys(PARTS).length;
const folder = isFull ? 'bench' : 'build/bench';
await writeFile(`${folder}/RESULTS.md`, `${preamble()}\n${tables.map(toMarkdown).join('\n')}`);
await writeFile(`${folder}/results.svg`, toChart(figures));
say(`written: ${folder}/RESULTS.md and ${folder}/results.svg`);

function preamble(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `# Results of the benchmark

Written by \`make bench\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores, ${gigabytes} GB, Node ${process.versions.node}, ${process.platform}. Everything ran in one go against one local AWS (moto), the ways in turn. Stock is what \`cfn init\` writes, with its library as shipped and the SDK v2: see [stock/README.md](stock/README.md).

![Ours as a share of the stock way](results.svg)
`;
}
