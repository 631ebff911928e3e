import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import ts from 'typescript';

describe('SECURITY.md', () => {
  let text: string;

  beforeAll(async () => {
    text = await readFile('SECURITY.md', 'utf8');
  });

  it('names only tests that there are', async () => {
    const named = [...text.matchAll(/`([\w/-]+) › ([^`]+)`/g)];
    const missing: string[] = [];
    for (const [, name = '', title = ''] of named) {
      const [, cdk = '', rest = ''] = /^(cdk\/)?(.*)$/.exec(name) ?? [];
      const file = `${cdk}test/${rest}.test.ts`;
      const code = await readFile(file, 'utf8').catch(() => '');
      if (!titlesIn(code).includes(title)) missing.push(`${file} › ${title}`);
    }

    expect(named.length).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  });

  it('names a test for each promise', () => {
    const promises = [...text.matchAll(/^- (.*):\n +(.*)$/gm)];

    expect(promises.length).toBeGreaterThan(40);
    expect(promises.filter(([, , test = '']) => !test.includes(' › '))).toEqual([]);
  });

  it('links only to files that there are', () => {
    const links = [...text.matchAll(/\]\((?!https:)([^)#]+)\)/g)].map(([, target = '']) => target);

    expect(links.filter((target) => !existsSync(target))).toEqual([]);
  });
});

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
