import { nameOf, type CallPoint } from './calls.ts';
import { FAULTS } from './faults.ts';
import { OPERATIONS } from './operations.ts';
import type { Case } from './run-case.ts';

/** SUCCESS or the error codes with which a case may end, by its name. */
export type Codes = ReadonlyMap<string, ReadonlySet<string>>;

const START = '<!-- Below this line the test writes. -->';
const AS_EVER = '✓';
const OR = ' or ';
const AND = ', ';
const ENDS = ' → ';
const FIRST = ' #1';
const CALL = 'call';

/** So that the rows can be read without scrolling. Other codes are written out. */
const SHORT: ReadonlyMap<string, string> = new Map([
  ['AccessDenied', 'A'],
  ['NetworkFailure', 'N'],
  ['ServiceInternalError', 'S'],
  ['Throttling', 'T'],
  ['NotStabilized', 'W'],
]);
const LONG = new Map([...SHORT].map(([code, short]) => [short, code]));

export function nameOfCase({ operation, call, fault }: Case): string {
  return join(operation.name, nameOf(call), fault.name);
}

/**
 * What the faults are; then for each operation a row for the calls and a column for the faults that end
 * alike.
 */
export function toTables(
  calls: readonly (readonly [{ name: string }, CallPoint])[],
  codes: Codes,
): string {
  const points = OPERATIONS.flatMap(({ name, ends }) =>
    calls
      .filter(([operation]) => operation.name === name)
      .map(([, call]) => ({ name, ends, call: nameOf(call) })),
  );
  const columns = groupBy(FAULTS, (fault) =>
    points.map(({ name, ends, call }) => toCell(codes.get(join(name, call, fault.name)), ends)),
  );
  const cellsOf = points.map((_, row) => columns.map(([cells]) => cells[row] ?? ''));
  const rows = OPERATIONS.flatMap(({ name, ends }) => {
    const own = points.filter((point) => point.name === name);
    const alike = groupBy(own, (point) => cellsOf[points.indexOf(point)] ?? []);
    return [
      [`**${name}${ENDS}${ends}**`],
      ...alike.map(([cells, some]) => [
        some.map(({ call }) => call.replace(FIRST, '')).join(AND),
        ...cells,
      ]),
    ];
  });
  const once = FAULTS.filter(({ times }) => times !== Infinity);
  const legend = [
    ...once.map(({ name, what }) => [name, what]),
    ['… for ever', 'the same with every later call of its kind'],
  ];
  const head = columns.map(([, faults]) => faults.map(({ name }) => name).join(AND));
  return [
    toTable(['fault', 'what happens'], legend),
    `${[...SHORT].map(([code, short]) => `${short} is ${code}`).join(AND)}.`,
    `${toTable([CALL, ...head], rows)}\n`,
  ].join('\n\n');
}

/** Puts the tables in the place of those that a guide has. */
export function withTables(guide: string, tables: string): string {
  const [introduction = ''] = guide.split(START);
  return `${introduction}${START}\n\n${tables}`;
}

/** What the tables of a guide say. */
export function codesOf(guide: string): Codes {
  const [, outcomes = ''] = (guide.split(START)[1] ?? '').split(`\n|${CALL}|`);
  const [head = [], , ...rows] = `|${CALL}|${outcomes}`.trimEnd().split('\n').map(toCells);
  let [name, ends]: string[] = [];
  return new Map(
    rows.flatMap(([first = '', ...cells]) => {
      const [, title] = /^\*\*(.*)\*\*$/.exec(first) ?? [];
      if (title !== undefined) {
        [name, ends] = title.split(ENDS);
        return [];
      }
      return cells.flatMap((cell, column) => {
        if (cell === '') return [];
        const codes = new Set(cell.split(OR).map((code) => toCode(code, ends)));
        const faults = head[column + 1]?.split(AND) ?? [];
        return first
          .split(AND)
          .map((call) => (call.includes('#') ? call : call + FIRST))
          .flatMap((call) => faults.map((fault) => [join(name, call, fault), codes] as const));
      });
    }),
  );
}

/** What either of them says, of what the second one knows. */
export function union(one: Codes, other: Codes): Codes {
  return new Map(
    [...other].map(([name, codes]) => [name, new Set([...(one.get(name) ?? []), ...codes])]),
  );
}

function toCell(codes: Iterable<string> = [], ends: string): string {
  return [...codes].map((code) => (code === ends ? AS_EVER : (SHORT.get(code) ?? code))).join(OR);
}

function toCode(short: string, ends = ''): string {
  return short === AS_EVER ? ends : (LONG.get(short) ?? short);
}

/** Those that have the same cells together, in the order of the first of them. */
function groupBy<T>(
  all: readonly T[],
  cellsOf: (one: T) => readonly string[],
): [readonly string[], T[]][] {
  const groups = new Map<string, [readonly string[], T[]]>();
  for (const one of all) {
    const cells = cellsOf(one);
    const [, others = []] = groups.get(cells.join('|')) ?? [];
    groups.set(cells.join('|'), [cells, [...others, one]]);
  }
  return [...groups.values()];
}

function join(operation = '', call: string, fault: string): string {
  return `${operation}: ${call}: ${fault}`;
}

/** Not padded, as it would be four times as long; prettier leaves the file alone. */
function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `|${cells.join('|')}|`).join('\n');
}

function toCells(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
