import { withHint, type HandlerError } from '../runtime/progress-event.ts';
import { isKmsFailure } from './errors.ts';

type Named<P> = readonly [name: string, parameter: P];

interface Undecryptable {
  readonly value: undefined;
  /** Why there is no value. */
  readonly kmsFailure: HandlerError;
}

/**
 * Gets parameters, decrypted. One that cannot be decrypted fails the whole call: each of the others is
 * got alone, and of that one all but the value.
 */
export async function getDecrypted<P>(
  names: readonly string[],
  get: (names: readonly string[], withDecryption: boolean) => Promise<Named<P>[]>,
): Promise<Named<P | (Omit<P, 'value'> & Undecryptable)>[]> {
  try {
    return await get(names, true);
  } catch (error) {
    if (!isKmsFailure(error)) throw error;
    if (names.length > 1) {
      const each = await Promise.all(names.map((name) => getDecrypted([name], get)));
      return each.flat();
    }
    const hint = 'the KMS key that encrypted it must be enabled and allow kms:Decrypt';
    const kmsFailure = withHint(error, hint) as HandlerError;
    const encrypted = await get(names, false);
    return encrypted.map(([name, parameter]) => [
      name,
      { ...parameter, value: undefined, kmsFailure },
    ]);
  }
}
