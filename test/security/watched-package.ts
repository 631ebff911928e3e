import path from 'node:path';
import { writeStandIn } from '../local/stand-in-package.ts';

/** An answer of the function, with what it cost inside its process. */
export interface Watched<Answer> {
  readonly answer: Answer;
  readonly cpuMicroseconds: number;
}

/** What the process holds after garbage collection. */
export interface Holdings {
  readonly heapBytes: number;
  readonly sockets: number;
  /** Timers, pipes and the like. */
  readonly otherHandles: number;
  /** A file with all that is in memory, strings in plain. */
  readonly heapSnapshot: string;
}

/** Asks the watched package for its holdings, in place of an event. */
export const HOLDINGS = { tell: 'holdings' };

/** Writes a package that runs the built one and tells what that costs. */
export function writeWatchedPackage(): Promise<string> {
  const built = path.resolve('build/TypeFunction/dist/handlers.js');
  return writeStandIn(`
    const v8 = require('node:v8');
    const vm = require('node:vm');
    const { entrypoint } = require(${JSON.stringify(built)});
    v8.setFlagsFromString('--expose-gc');
    process.report.excludeNetwork = true;
    const collectGarbage = vm.runInNewContext('gc');
    exports.entrypoint = async (event, context) => {
      if (event?.tell === 'holdings') {
        collectGarbage();
        const handles = process.report.getReport().libuv;
        const sockets = handles.filter(({ type }) => type === 'tcp').length;
        return {
          heapBytes: process.memoryUsage().heapUsed,
          sockets,
          otherHandles: handles.length - sockets,
          heapSnapshot: v8.writeHeapSnapshot(),
        };
      }
      const before = process.cpuUsage();
      const answer = await entrypoint(event, context);
      const { user, system } = process.cpuUsage(before);
      return { answer, cpuMicroseconds: user + system };
    };
  `);
}
