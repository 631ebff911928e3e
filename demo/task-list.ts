import { Listr, PRESET_TIMER, type PresetTimer } from 'listr2';
import { describeCalls, findCalls } from './aws-calls.ts';
import type { Step } from './life.ts';
import type { Stage } from './stage.ts';

const timer: PresetTimer = {
  ...PRESET_TIMER,
  field: (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`,
};

/**
 * Plays the steps in a live list; where the output is no terminal, line by line.
 *
 * @returns the number of AWS calls that the function made.
 */
export async function play(
  steps: readonly Step[],
  stage: Stage,
  signal: AbortSignal,
): Promise<number> {
  let seen = 0;
  const tasks = new Listr(
    steps.map(({ title, run }) => ({
      title,
      task: async (_context: unknown, task: { output: string }) => {
        signal.throwIfAborted();
        try {
          await run(stage, (line) => {
            task.output = line;
          });
        } catch (error) {
          // Whatever else breaks then, breaks because of it.
          signal.throwIfAborted();
          throw error;
        } finally {
          const calls = findCalls(stage.lambda.logs.slice(seen));
          seen = stage.lambda.logs.length;
          if (calls.length > 0) task.output = describeCalls(calls);
        }
      },
      rendererOptions: { persistentOutput: true, outputBar: Infinity },
    })),
    {
      // Ctrl-C is for the clean-up to hear; listr2 would end the process.
      registerSignalListeners: false,
      rendererOptions: { timer, collapseErrors: false },
      fallbackRenderer: 'simple',
      // A terminal without a width would get a line for each letter.
      fallbackRendererCondition: () => !process.stdout.columns,
      fallbackRendererOptions: { timer },
    },
  );
  await tasks.run();
  return findCalls(stage.lambda.logs).length;
}
