import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import ts from 'typescript';

interface Promised {
  readonly file: string;
  readonly title: string;
}

/** An item of a list, with the lines that belong to it. */
const ITEM = /^- .*(?:\n +\S.*)*/gm;

describe('SECURITY.md', () => {
  let text: string;

  beforeAll(async () => {
    text = await readFile('SECURITY.md', 'utf8');
  });

  it('names a test for each promise', () => {
    const promises = promisesIn(text);
    const items = [...text.matchAll(ITEM)].map(([item]) => item);

    expect(promises.length).toBeGreaterThan(60);
    expect(promises.filter(({ title }) => title === '')).toEqual([]);
    // Without a file above its list, a promise would be none.
    expect(items.filter((item) => item.endsWith('`'))).toHaveLength(promises.length);
  });

  it('names only tests that there are', async () => {
    const missing: string[] = [];
    for (const { file, title } of promisesIn(text)) {
      const code = await readFile(file, 'utf8').catch(() => '');
      if (!titlesIn(code).includes(title)) missing.push(`${file} › ${title}`);
    }

    expect(missing).toEqual([]);
  });

  it('links only to files that there are', () => {
    const links = [...text.matchAll(/\]\((?!https:)([^)#]+)\)/g)].map(([, target = '']) => target);

    expect(links.filter((target) => !existsSync(target))).toEqual([]);
  });
});

/** Each item below a paragraph that ends with the name of a file; its own end is the title of a test. */
function promisesIn(markdown: string): Promised[] {
  const lists = markdown.matchAll(/`(cdk\/)?([\w/-]+)`:\n\n((?:- .*\n(?: +\S.*\n)*)+)/g);
  return [...lists].flatMap(([, cdk = '', name = '', list = '']) =>
    [...list.matchAll(ITEM)].map(([item]) => ({
      file: `${cdk}test/${name}.test.ts`,
      title: /`([^`]+)`$/.exec(item)?.[1] ?? '',
    })),
  );
}

/** The titles of the tests in this code; what a table fills in shows as `…`. */
function titlesIn(code: string): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^it\b/.test(node.expression.getText())) {
      const [title] = node.arguments;
      if (title && ts.isStringLiteralLike(title)) titles.push(title.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('a.test.ts', code, ts.ScriptTarget.Latest, true));
  return titles.map((title) => title.replaceAll(/%[a-z]|\$\w+/g, '…'));
}
