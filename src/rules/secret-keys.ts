import { HandlerError } from '../runtime/progress-event.ts';
import { schema, type Model, type SecretField } from '../schema.ts';

const FIELDS = Object.keys(schema.properties.SecretKeys.properties) as SecretField[];

/**
 * The messages do not quote the names: who mistakes SecretKeys for the place of a secret finds it in
 * no log.
 *
 * @throws HandlerError InvalidRequest for names without a secret, and for two fields of one name.
 */
export function refuseSecretKeys({ secretId, secretKeys }: Model): void {
  if (secretKeys === undefined) return;
  if (secretId === undefined) {
    throw new HandlerError(
      'InvalidRequest',
      'SecretKeys is not valid without SecretId: it names the fields of that secret',
    );
  }
  const fields = new Map<string, SecretField>();
  for (const field of FIELDS) {
    const name = secretKeys[field] ?? field;
    const other = fields.get(name);
    if (other !== undefined) {
      throw new HandlerError(
        'InvalidRequest',
        `SecretKeys is not valid: ${other} and ${field} would have the same name in the secret`,
      );
    }
    fields.set(name, field);
  }
}
