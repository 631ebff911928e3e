import type { Aws, Gap } from './aws.ts';
import type { KeyRow } from './keys.ts';
import type { Leftover } from './leftovers.ts';
import type { Options } from './options.ts';
import { nameOfStack } from './stacks.ts';
import { Ages } from './ages.ts';

/** What has been counted when the report is at its end. */
export interface Totals {
  users: number;
  keys: number;
  old: number;
  unused: number;
  ofType: number;
  inNoStack: number;
  leftovers: number;
}

/** A report as it comes in; each method returns the next piece of the text. */
export interface Format {
  begin(aws: Aws, at: Date): string;
  keys(rows: readonly KeyRow[]): string;
  leftover(leftover: Leftover): string;
  end(totals: Totals, gaps: readonly Gap[]): string;
}

export const FORMAT_OF: Readonly<Record<Options['format'], () => Format>> = {
  table: () => new Table(),
  json: () => new Json(),
  csv: () => new Csv(),
};

/** One object; each key and each leftover has a line of its own. */
class Json implements Format {
  #isFirst = true;
  #hasLeftovers = false;

  begin({ accountId: account, region, prefix }: Aws, at: Date): string {
    const head = JSON.stringify({ account, region, prefix, at });
    return `${head.slice(0, -1)},"keys":[`;
  }

  keys(rows: readonly KeyRow[]): string {
    return rows.map((row) => this.#item(flatKey(row))).join('');
  }

  leftover(leftover: Leftover): string {
    const { accessKeyId: accessKeyIds, ...rest } = flatLeftover(leftover);
    return this.#openLeftovers() + this.#item({ ...rest, accessKeyIds });
  }

  end(totals: Totals, gaps: readonly Gap[]): string {
    return `${this.#openLeftovers()}],"unread":${JSON.stringify(gaps)},"totals":${JSON.stringify(totals)}}\n`;
  }

  #openLeftovers(): string {
    if (this.#hasLeftovers) return '';
    this.#hasLeftovers = true;
    this.#isFirst = true;
    return '],"leftovers":[';
  }

  #item(value: object): string {
    const comma = this.#isFirst ? '\n' : ',\n';
    this.#isFirst = false;
    return comma + JSON.stringify(value);
  }
}

const COLUMNS = [
  'kind',
  'user',
  'accessKeyId',
  'status',
  'created',
  'ageDays',
  'lastUsed',
  'lastUsedService',
  'lastUsedRegion',
  'stackId',
  'logicalId',
  'serial',
  'secret',
  'position',
  'marks',
  'name',
  'since',
  'removable',
  'note',
] as const;

type Cell = string | number | boolean | Date | null | undefined | readonly string[];
type Flat = Partial<Readonly<Record<(typeof COLUMNS)[number], Cell>>>;

/** Keys and all else in one table; `kind` tells which is which. */
class Csv implements Format {
  begin(): string {
    return toLine(COLUMNS);
  }

  keys(rows: readonly KeyRow[]): string {
    return rows.map((row) => this.#line({ kind: 'key', ...flatKey(row) })).join('');
  }

  leftover(leftover: Leftover): string {
    return this.#line(flatLeftover(leftover));
  }

  end(_: Totals, gaps: readonly Gap[]): string {
    return gaps
      .map((gap) => this.#line({ kind: 'unread', name: gap.what, note: describeGap(gap) }))
      .join('');
  }

  #line(row: Flat): string {
    return toLine(COLUMNS.map((column) => row[column]));
  }
}

function toLine(cells: readonly Cell[]): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

/** What a spreadsheet would take for a formula, an apostrophe makes a text. */
function toCell(cell: Cell): string {
  if (cell === undefined || cell === null) return '';
  if (cell instanceof Date) return cell.toISOString();
  const text = Array.isArray(cell) ? cell.join(' ') : String(cell);
  const inert = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

function flatKey({ accessKey, ageDays, lastUse, made, position, marks, note }: KeyRow): Flat {
  return {
    user: accessKey.userName,
    accessKeyId: accessKey.accessKeyId,
    status: accessKey.status,
    created: accessKey.createDate,
    ageDays,
    lastUsed: lastUse && (lastUse.date ?? 'never'),
    lastUsedService: lastUse?.date && lastUse.service,
    lastUsedRegion: lastUse?.date && lastUse.region,
    stackId: made?.stackId,
    logicalId: made?.logicalId,
    serial: made?.serial,
    secret: made?.secret,
    position,
    marks,
    note,
  };
}

function flatLeftover({ kind, name, user, accessKeyIds, since, stackId, ...rest }: Leftover): Flat {
  const { logicalId, removal, note } = rest;
  return {
    kind,
    user,
    accessKeyId: accessKeyIds,
    stackId,
    logicalId,
    name,
    since,
    removable: removal !== undefined,
    note,
  };
}

const HEADINGS = ['USER', 'ACCESS KEY', 'STATUS', 'DAYS', 'LAST USED', 'MARKS', 'MADE BY'];

/** For people. A column becomes wider when it must: only a page of keys is known at a time. */
class Table implements Format {
  readonly #widths = [16, 20, 8, 4, 26, 5, 0];
  readonly #ages = new Ages();
  #hasLeftovers = false;

  begin({ accountId, region, prefix }: Aws, at: Date): string {
    const title = `Account ${accountId}, Region ${region}, parameters below ${prefix}, ${toMinute(at)}`;
    return `${title}\n\n${this.#lines([HEADINGS])}`;
  }

  keys(rows: readonly KeyRow[]): string {
    for (const { ageDays } of rows) this.#ages.add(ageDays);
    return this.#lines(
      rows.map(({ accessKey, ageDays, lastUse, marks, ...placed }) => [
        accessKey.userName,
        accessKey.accessKeyId,
        accessKey.status,
        String(ageDays),
        describeUse(lastUse),
        marks.join(' '),
        describeMaking(placed),
      ]),
    );
  }

  leftover({ kind, name, user, accessKeyIds, since, note, removal, ...made }: Leftover): string {
    const title = this.#hasLeftovers ? '' : '\nWhat should not be there\n';
    this.#hasLeftovers = true;
    const facts = [
      ...(user === undefined ? [] : [`user ${user}`]),
      ...(since === undefined ? [] : [`since ${toMinute(since)}`]),
      ...(made.stackId === undefined ? [] : [describeResource(made)]),
      ...(accessKeyIds.length === 0 ? [] : [accessKeyIds.join(', ')]),
    ].join('; ');
    const hint = removal ? ' (--clean removes it)' : '';
    return `${title}  ${kind} ${name}\n    ${facts}${facts && ': '}${note}${hint}\n`;
  }

  end(totals: Totals, gaps: readonly Gap[]): string {
    const { users, keys, old, unused, ofType, inNoStack, leftovers } = totals;
    const unread = gaps.map((gap) => `  ${gap.what}: ${describeGap(gap)}\n`).join('');
    return (
      `\nAge in days\n${this.#ages.draw()}` +
      (unread && `\nNot read\n${unread}`) +
      `\n${keys} keys of ${users} users: ${old} old, ${unused} unused, ${ofType} of the type, ` +
      `${inNoStack} of them in no stack. ${leftovers} things that should not be there.\n`
    );
  }

  #lines(rows: readonly (readonly string[])[]): string {
    for (const row of rows) {
      row.forEach((text, column) => {
        this.#widths[column] = Math.max(this.#widths[column] ?? 0, text.length);
      });
    }
    return rows
      .map((row) => {
        const cells = row.map((text, column) => text.padEnd(this.#widths[column] ?? 0));
        return `${cells.join('  ').trimEnd()}\n`;
      })
      .join('');
  }
}

function describeUse(lastUse: KeyRow['lastUse']): string {
  if (!lastUse) return '?';
  const { date, service = '', region = '' } = lastUse;
  return date ? [toDay(date), service, region].join(' ') : 'never';
}

function describeMaking({ made, position, note }: Pick<KeyRow, 'made' | 'position' | 'note'>) {
  if (!made) return note ?? '';
  const { serial, secret } = made;
  return [
    describeResource(made),
    ...(serial === undefined ? [] : [`serial ${serial}`]),
    ...(secret === undefined ? [] : [`secret in ${secret.replace(/^arn:.*:secret:/, '')}`]),
    ...(position === undefined ? [] : [position]),
    ...(note === undefined ? [] : [note]),
  ].join(', ');
}

function describeResource({
  stackId,
  logicalId,
}: {
  readonly stackId?: string | undefined;
  readonly logicalId?: string | undefined;
}): string {
  return stackId === undefined ? 'no stack' : `${nameOfStack(stackId)}/${logicalId ?? ''}`;
}

function describeGap({ permission, reason, count }: Gap): string {
  const times = count === 1 ? '' : ` (${count} times)`;
  return permission === undefined ? `${reason}${times}` : `${permission} is missing${times}`;
}

function toDay(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function toMinute(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
