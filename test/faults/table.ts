import { nameOf, type CallPoint } from './calls.ts';
import { FAULTS } from './faults.ts';
import { OPERATIONS } from './operations.ts';
import type { Case } from './run-case.ts';

/** SUCCESS or the error codes with which a case may end, by its name. */
export type Codes = ReadonlyMap<string, ReadonlySet<string>>;

const START = '<!-- The tables below are written by the test; see the top. -->';
const AS_EVER = '✓';
const OR = ' or ';
const AND = ', ';

export function nameOfCase({ operation, call, fault }: Case): string {
  return join(operation.name, nameOf(call), fault.name);
}

/**
 * What the faults are; then for each operation a line for each call and a column for the faults that
 * end alike.
 */
export function toTables(
  calls: readonly (readonly [{ name: string }, CallPoint])[],
  codes: Codes,
): string {
  const legend = toTable([
    ['fault', 'what happens'],
    ...FAULTS.map(({ name, what }) => [name, what]),
  ]);
  const sections = OPERATIONS.map(({ name, ends }) => {
    const own = calls.filter(([operation]) => operation.name === name);
    const columns = new Map<string, string[]>();
    for (const fault of FAULTS) {
      const cells = own.map(([, call]) => {
        const found = codes.get(join(name, nameOf(call), fault.name)) ?? [];
        return [...found].map((code) => (code === ends ? AS_EVER : code)).join(OR);
      });
      const alike = columns.get(cells.join()) ?? [];
      columns.set(cells.join(), [...alike, fault.name]);
    }
    const head = ['call', ...[...columns.values()].map((faults) => faults.join(AND))];
    const body = own.map(([, call], line) => [
      nameOf(call),
      ...[...columns.keys()].map((cells) => cells.split(',')[line] ?? ''),
    ]);
    const table = toTable([head, ...body]);
    return `### ${name} → ${ends}\n\n${table}`;
  });
  return [legend, ...sections].join('\n\n') + '\n';
}

/** Puts the tables in the place of those that a guide has. */
export function withTables(guide: string, tables: string): string {
  const [introduction = ''] = guide.split(START);
  return `${introduction}${START}\n\n${tables}`;
}

/** What the tables of a guide say. */
export function codesOf(guide: string): Codes {
  const sections = (guide.split(START)[1] ?? '').split('\n### ').slice(1);
  const entries = sections.flatMap((section) => {
    const [title = '', ...lines] = section.split('\n');
    const [name = '', ends = ''] = title.split(' → ');
    const [head = [], , ...body] = lines.filter((line) => line.startsWith('|')).map(toCells);
    return body.flatMap(([call = '', ...cells]) =>
      cells.flatMap((cell, column) => {
        if (cell === '') return [];
        const codes = new Set(cell.split(OR).map((code) => (code === AS_EVER ? ends : code)));
        const faults = head[column + 1]?.split(AND) ?? [];
        return faults.map((fault) => [join(name, call, fault), codes] as const);
      }),
    );
  });
  return new Map(entries);
}

/** What either of them says, of what the second one knows. */
export function union(one: Codes, other: Codes): Codes {
  return new Map(
    [...other].map(([name, codes]) => [name, new Set([...(one.get(name) ?? []), ...codes])]),
  );
}

function join(operation: string, call: string, fault: string): string {
  return `${operation}: ${call}: ${fault}`;
}

/** The first line is the head. Padded as prettier does it. */
function toTable(lines: readonly (readonly string[])[]): string {
  const [head = [], ...body] = lines;
  const widths = head.map((_, column) =>
    Math.max(3, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const toLine = (cells: readonly string[], fill: string): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width, fill)).join(' | ')} |`;
  return [toLine(head, ' '), toLine([], '-'), ...body.map((cells) => toLine(cells, ' '))].join(
    '\n',
  );
}

function toCells(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
