import { isMet, ratioOf, type Figure } from './figure.ts';
import { formatRatio, formatValue } from './format.ts';

const WIDTH = 860;
const LEFT = 300;
const RIGHT = 180;
const TOP = 76;
const ROW = 40;
const FLOOR = 0.001;

const STYLE = `
  .card { fill: #ffffff; stroke: #d0d7de }
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .soft { fill: #59636e; font-size: 12px }
  .grid { stroke: #d0d7de }
  .stock { fill: #d8dee4 }
  .ours { fill: #0969da }
  .goal { stroke: #bc4c00; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d }
    text { fill: #f0f6fc }
    .soft { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .stock { fill: #2f3742 }
    .ours { fill: #4493f8 }
    .goal { stroke: #f0883e }
  }`;

/** Our figures as shares of the stock way's, on a logarithmic scale, with the goals. */
export function toChart(figures: readonly Figure[]): string {
  const shown = figures.filter(({ beside }) => beside?.what === 'stock');
  const height = TOP + shown.length * ROW + 44;
  const ticks = [0.001, 0.01, 0.1, 1];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-labelledby="title">
<title id="title">${escape(toSentence(shown))}</title>
<style>${STYLE}
</style>
<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
<text class="title" x="20" y="30">Org::IAM::AccessKey beside the stock scaffold</text>
<text class="soft" x="20" y="50">Blue: ours as a share of stock (grey); shorter is better. Orange line: the goal. Logarithmic scale.</text>
${ticks.map((tick) => toTick(tick, height)).join('\n')}
${shown.map(toRow).join('\n')}
</svg>
`;
}

function toTick(tick: number, height: number): string {
  const x = toX(tick);
  return `<line class="grid" x1="${x}" y1="${TOP - 8}" x2="${x}" y2="${height - 32}"/>
<text class="soft" x="${x}" y="${height - 14}" text-anchor="middle">${tick === 1 ? 'stock' : `1/${Math.round(1 / tick).toLocaleString('en')}`}</text>`;
}

function toRow(figure: Figure, index: number): string {
  const { name, unit, ours, beside, goal } = figure;
  const y = TOP + index * ROW;
  const ratio = ratioOf(figure) ?? 1;
  const goalX = goal?.of === 'ratio' ? toX(goal.most) : undefined;
  const values = `${formatValue(ours.median, unit)} / ${formatValue(beside?.summary.median ?? 0, unit)}`;
  return `<text x="20" y="${y + 19}">${escape(name.replaceAll('`', ''))}</text>
<rect class="stock" x="${LEFT}" y="${y + 6}" width="${toX(1) - LEFT}" height="18"/>
<rect class="ours" x="${LEFT}" y="${y + 6}" width="${toX(ratio) - LEFT}" height="18"/>
${goalX === undefined ? '' : `<line class="goal" x1="${goalX}" y1="${y + 2}" x2="${goalX}" y2="${y + 28}"/>`}
<text x="${WIDTH - RIGHT + 14}" y="${y + 13}">${values}</text>
<text class="soft" x="${WIDTH - RIGHT + 14}" y="${y + 29}">${formatRatio(ratio)} of it${isMet(figure) === false ? ', goal missed' : ''}</text>`;
}

function toX(ratio: number): number {
  const bounded = Math.min(Math.max(ratio, FLOOR), 1);
  const share = 1 - Math.log10(bounded) / Math.log10(FLOOR);
  return Math.round((LEFT + share * (WIDTH - RIGHT - LEFT)) * 10) / 10;
}

function toSentence(figures: readonly Figure[]): string {
  const shares = figures.map((figure) => `${figure.name} ${formatRatio(ratioOf(figure))}`);
  return `Ours as a share of the stock scaffold: ${shares.join('; ')}`.replaceAll('`', '');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
