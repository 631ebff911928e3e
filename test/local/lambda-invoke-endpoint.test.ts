import { UncaughtError } from '../../local/lambda-container.ts';
import { startInvokeEndpoint, type InvokeEndpoint } from '../../local/lambda-invoke-endpoint.ts';

describe('invoke endpoint', () => {
  let endpoint: InvokeEndpoint;

  beforeAll(async () => {
    endpoint = await startInvokeEndpoint({
      invoke: (event) => {
        if (event === 'uncaught') {
          const payload = JSON.stringify({ errorType: 'RangeError', errorMessage: 'too far' });
          return Promise.reject(new UncaughtError(payload, []));
        }
        if (event === 'exit') {
          return Promise.reject(new Error('gone'));
        }
        return Promise.resolve({ answer: { event } as never, logs: [], milliseconds: 1 });
      },
    });
  });
  afterAll(async () => {
    await endpoint.stop();
  });

  const invoke = (body: string, path = '/2015-03-31/functions/TypeFunction/invocations') =>
    fetch(`${endpoint.url}${path}`, { method: 'POST', body });

  it('answers with what the function answers', async () => {
    const answer = await invoke('{"action":"READ"}');

    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-amz-function-error')).toBeNull();
    expect(await answer.json()).toEqual({ event: { action: 'READ' } });
  });

  it('tells an uncaught error as Lambda does', async () => {
    const answer = await invoke('"uncaught"');

    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-amz-function-error')).toBe('Unhandled');
    expect(await answer.json()).toEqual({ errorType: 'RangeError', errorMessage: 'too far' });
  });

  it('tells the end of the process as Lambda does', async () => {
    const answer = await invoke('"exit"');

    expect(answer.headers.get('x-amz-function-error')).toBe('Unhandled');
    expect(await answer.json()).toMatchObject({ errorType: 'Runtime.ExitError' });
  });

  it('refuses a payload that is not JSON, and other paths', async () => {
    expect((await invoke('{')).status).toBe(400);
    expect((await invoke('{}', '/2015-03-31/functions')).status).toBe(404);
  });
});
