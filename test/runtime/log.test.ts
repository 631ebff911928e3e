import { Log } from '../../src/runtime/log.ts';

describe('log', () => {
  const SECRET = 'yP9/GOlFT9WNC+r6rfulwQha3bBWzOdIpm+NmxcM';
  let printed: jest.SpyInstance;

  beforeEach(() => {
    printed = jest.spyOn(console, 'log').mockImplementation();
  });
  afterEach(() => {
    printed.mockRestore();
  });

  it('conceals a secret wherever it is in a line, and as part of a URL', () => {
    const log = new Log();
    log.conceal(SECRET);

    log.write(`a=${SECRET} b=${SECRET}`);
    log.write(`?secret=${encodeURIComponent(SECRET)}&more`);

    const expected = ['a=<REDACTED> b=<REDACTED>', '?secret=<REDACTED>&more'];
    expect(log.lines.map(({ message }) => message)).toEqual(expected);
    expect(printed.mock.calls.flat()).toEqual(expected);
  });

  it('conceals in messages too', () => {
    const log = new Log();
    log.conceal('first-secret', 'second-secret');

    expect(log.redact('first-secret, second-secret and third')).toBe(
      '<REDACTED>, <REDACTED> and third',
    );
  });

  it('takes a secret for what it is, not for a pattern', () => {
    const log = new Log();
    log.conceal('a.c+e*g$1');

    expect(log.redact('abcdefgh a.c+e*g$1')).toBe('abcdefgh <REDACTED>');
  });

  it('leaves lines alone where the secret is absent, or so short that it would be in every word', () => {
    const log = new Log();
    log.conceal(undefined, '', 'test');

    expect(log.redact('a test without secrets')).toBe('a test without secrets');
  });

  it('conceals a secret that no URL can hold', () => {
    const log = new Log();
    log.conceal('half a pair \ud800');

    expect(log.redact('half a pair \ud800!')).toBe('<REDACTED>!');
  });

  it('dates each line', () => {
    const log = new Log();
    const before = Date.now();

    log.write('line');

    expect(log.lines[0]?.timestamp).toBeGreaterThanOrEqual(before);
    expect(log.lines[0]?.timestamp).toBeLessThanOrEqual(Date.now());
  });
});
