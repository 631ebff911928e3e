import { readFile, writeFile } from 'node:fs/promises';
import { FAULTS } from './faults.ts';
import { runInLanes, type Lanes } from './lanes.ts';
import { recordedCalls } from './recorded-calls.ts';
import { runCase, type Case, type Result } from './run-case.ts';
import { startBackend, type Backend } from './stage.ts';
import { codesOf, nameOfCase, toTables, union, withTables, type Codes } from './table.ts';

const GUIDE = 'guides/faults-table.md';
const MATRIX_TIMEOUT_MS = 20 * 60_000;

/** Most cases wait most of the time. */
const LANES = Number(process.env.FAULT_LANES ?? 24);

/** Refusing takes a process of its own, so that these cases have lanes of their own. */
const REFUSING_LANES = Math.ceil(LANES / 4);

/** A part of the matrix, for whoever looks into a failure: FAULT_CASES='READ.*denied'. */
const ONLY = new RegExp(process.env.FAULT_CASES ?? '');

const calls = recordedCalls();
const all = calls
  .flatMap(([operation, call]) =>
    FAULTS.filter((fault) => !fault.spares?.(call) && !operation.spares(call, fault)).map(
      (fault): Case => ({ operation, call, fault }),
    ),
  )
  .map((job): [string, Case] => [nameOfCase(job), job]);
const cases = all.filter(([name]) => ONLY.test(name));

describe('fault matrix', () => {
  let backend: Backend;
  let lanes: Lanes<Case, Result>[];

  beforeAll(async () => {
    backend = await startBackend();
    const jobs = cases.map(([, job]) => job).sort(longestFirst);
    const refusing = jobs.filter(({ fault }) => fault.refuses);
    const others = jobs.filter(({ fault }) => !fault.refuses);
    lanes = [
      runInLanes(backend, LANES, others, runCase),
      runInLanes(backend, REFUSING_LANES, refusing, runCase),
    ];
  });
  afterAll(async () => {
    await Promise.all(lanes.map(({ finished }) => finished));
    await backend.stop();
  }, MATRIX_TIMEOUT_MS);

  const resultOf = (job: Case): Promise<Result> =>
    lanes.flatMap(({ results }) => results.get(job) ?? [])[0] as Promise<Result>;

  it.each(cases)(
    '%s',
    async (_, job) => {
      const { problems } = await resultOf(job);

      expect(problems).toEqual([]);
    },
    MATRIX_TIMEOUT_MS,
  );

  const { FAULT_CASES, FAULT_TABLE } = process.env;
  const itOfTable = FAULT_CASES === undefined || FAULT_TABLE !== undefined ? it : it.skip;
  itOfTable(
    `ends as ${GUIDE} tells (FAULT_TABLE=write writes these cases anew, FAULT_TABLE=add adds to them)`,
    async () => {
      const entries = cases.map(async ([name, job]): Promise<[string, Set<string>]> => [
        name,
        new Set([(await resultOf(job)).code]),
      ]);
      const found: Codes = new Map(await Promise.all(entries));
      const guide = await readFile(GUIDE, 'utf8');
      const told = codesOf(guide);
      console.log(toTables(calls, found));

      if (FAULT_TABLE !== undefined) {
        const others = [...told].filter(([name]) => all.some(([known]) => known === name));
        const codes = new Map([...others, ...(FAULT_TABLE === 'add' ? union(told, found) : found)]);
        await writeFile(GUIDE, withTables(guide, toTables(calls, codes)));
        return;
      }
      const news = [...found].flatMap(([name, [code = '']]) =>
        told.get(name)?.has(code) ? [] : [`${name}: ${code}`],
      );
      expect(news).toEqual([]);
      expect([...told.keys()].sort()).toEqual([...found.keys()].sort());
    },
    MATRIX_TIMEOUT_MS,
  );
});

/** So that none of them is what all others have to wait for at the end. */
function longestFirst({ fault: one }: Case, { fault: other }: Case): number {
  return Number(other.times === Infinity) - Number(one.times === Infinity);
}
