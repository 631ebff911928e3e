import { createHash } from 'node:crypto';
import { accountHeaders, type Answer, type AwsProxy, type Call } from './aws-proxy.ts';

export interface ParameterStore {
  /** How long after its deletion a name must rest: what is written before is lost. */
  restMs: number;
}

interface Parameter {
  readonly Type: string;
  readonly Value: string;
}

/** As the documentation of DeleteParameter asks. */
export const REST_MS = 30_000;
const CIPHERTEXT = 'AQICAH';

/**
 * Makes moto behind the proxy as strict as Parameter Store: nobody reads a SecureString without
 * decrypting it, and a parameter that is made again within 30 seconds of its deletion gets lost.
 *
 * @param isOnlooker whose calls are those of the test itself, which may use a name again at once.
 */
export function useStrictParameters(
  proxy: AwsProxy,
  isOnlooker: (call: Call) => boolean = () => false,
): ParameterStore {
  const store = { restMs: REST_MS };
  const deletedAt = new Map<string, number>();
  const idOf = ({ parameters }: Call): string =>
    JSON.stringify([accountHeaders(), parameters.Name]);
  proxy.use(async (call, next) => {
    if (call.service !== 'ssm') return next(call);
    switch (call.action) {
      case 'DeleteParameter': {
        const answer = await next(call);
        if (answer.status === 200) deletedAt.set(idOf(call), Date.now());
        return answer;
      }
      case 'PutParameter': {
        const rested = Date.now() - (deletedAt.get(idOf(call)) ?? 0);
        if (rested >= store.restMs || isOnlooker(call)) {
          deletedAt.delete(idOf(call));
          return next(call);
        }
        return {
          status: 200,
          headers: { 'content-type': 'application/x-amz-json-1.1' },
          body: JSON.stringify({ Version: 1, Tier: 'Standard' }),
        };
      }
      case 'GetParameters':
        return call.parameters.WithDecryption === true ? next(call) : encrypted(await next(call));
      default:
        return next(call);
    }
  });
  return store;
}

/** The id of the KMS key that made this ciphertext: like a real one, it says so to those who know. */
export function keyIdIn(ciphertext: string): string {
  const [keyId = ''] = Buffer.from(ciphertext.slice(CIPHERTEXT.length), 'base64')
    .toString()
    .split(' ');
  return keyId;
}

/** moto shows `kms:`, the key's id and the plain text. */
function encrypted(answer: Answer): Answer {
  if (answer.status !== 200) return answer;
  const { Parameters = [], ...rest } = JSON.parse(answer.body) as { Parameters?: Parameter[] };
  const shown = Parameters.map((parameter) => {
    const [, keyId, text = ''] = /^kms:(.*?):(.*)$/s.exec(parameter.Value) ?? [];
    if (parameter.Type !== 'SecureString' || keyId === undefined) return parameter;
    const hash = createHash('sha256').update(text).digest('hex');
    const Value = CIPHERTEXT + Buffer.from(`${keyId} ${hash}`).toString('base64');
    return { ...parameter, Value };
  });
  return { ...answer, body: JSON.stringify({ ...rest, Parameters: shown }) };
}
