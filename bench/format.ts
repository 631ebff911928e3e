import { isMet, ratioOf, type Figure, type Table, type Unit } from './figure.ts';
import type { Summary } from './statistics.ts';

/** The table of all figures. */
export function toTable(figures: readonly Figure[]): Table {
  return {
    title: 'Figures',
    head: ['figure', 'ours', 'beside', 'its figure', 'ratio', 'goal', 'met'],
    rows: figures.map((figure) => [
      figure.name,
      formatSummary(figure.ours, figure.unit),
      figure.beside?.what ?? '',
      figure.beside ? formatSummary(figure.beside.summary, figure.unit) : '',
      formatRatio(ratioOf(figure)),
      formatGoal(figure),
      { true: 'yes', false: '**no**', undefined: '' }[String(isMet(figure))] ?? '',
    ]),
    note: 'Median (interquartile range).',
  };
}

export function toMarkdown({ title, head, rows, note }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const lines = [line(head), line(head.map(() => '---')), ...rows.map(line)];
  return `## ${title}\n\n${lines.join('\n')}\n${note === undefined ? '' : `\n${note}\n`}`;
}

/** For a terminal: columns as wide as what stands in them. */
export function toText({ title, head, rows, note }: Table): string {
  const all = [head, ...rows].map((cells) => cells.map((cell) => cell.replace(/[*`]/g, '')));
  const widths = head.map((_, column) =>
    Math.max(...all.map((cells) => cells[column]?.length ?? 0)),
  );
  const lines = all.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [title, ...lines, note ?? ''].join('\n');
}

export function formatValue(value: number, unit: Unit): string {
  const digits = Math.abs(value) < 10 && !Number.isInteger(value) ? 1 : 0;
  const text = value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return unit === '' ? text : `${text} ${unit}`;
}

export function formatRatio(ratio: number | undefined): string {
  return ratio === undefined ? '' : ratio.toPrecision(ratio < 1 ? 2 : 3);
}

function formatSummary({ median, lower, upper, count }: Summary, unit: Unit): string {
  const spread =
    count > 1 && lower !== upper ? ` (${formatValue(lower, '')}–${formatValue(upper, '')})` : '';
  return formatValue(median, unit) + spread;
}

function formatGoal({ goal, unit }: Figure): string {
  if (!goal) return '';
  if (goal.of === 'ratio') return `≤ ${goal.most}`;
  return `≤ ${goal.of === 'difference' ? '+' : ''}${goal.most} ${unit}`.trim();
}
