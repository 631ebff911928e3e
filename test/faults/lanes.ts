import { Stage, type Backend } from './stage.ts';

export interface Lanes<Job, Result> {
  readonly results: ReadonlyMap<Job, Promise<Result>>;
  readonly finished: Promise<void>;
}

/**
 * Works on all jobs, so many at a time and each on a stage of its own.
 *
 * @returns at once, with a promise of each job's result.
 */
export function runInLanes<Job, Result>(
  backend: Backend,
  lanes: number,
  jobs: readonly Job[],
  work: (stage: Stage, job: Job) => Promise<Result>,
): Lanes<Job, Result> {
  const pending = jobs.map((job) => ({ job, ...Promise.withResolvers<Result>() }));
  const queue = [...pending];
  const runLane = async (): Promise<void> => {
    const stage = await Stage.start(backend);
    for (let next = queue.shift(); next; next = queue.shift()) {
      await work(stage, next.job).then(next.resolve, next.reject);
    }
    await stage.stop();
  };
  const finished = Promise.all(Array.from({ length: Math.min(lanes, jobs.length) }, runLane)).then(
    () => undefined,
  );
  const results = new Map(pending.map(({ job, promise }) => [job, promise]));
  // Whoever waits for a result hears of its failure; meanwhile it is nobody's.
  for (const result of results.values()) result.catch(() => undefined);
  return { results, finished };
}
