import type { AccessKey, NewAccessKey } from '../aws/access-keys.ts';
import { startStabilization, type Stabilization } from '../aws/waiting.ts';
import type { KeyWithRecord } from '../resource/previous-key.ts';

interface Doubt {
  /** The keys that are not the lost one. */
  readonly known: readonly string[];
  /** How calls of this invocation failed that may have made a key. */
  readonly lostAnswers: readonly unknown[];
}

/** Each with what may exist if the invocation dies in it. */
export type State =
  /** Nothing of this attempt. */
  | { readonly name: 'Fresh' }
  /** The intent. */
  | ({ readonly name: 'Claimed' } & Doubt)
  /** The intent, and perhaps a key that nobody knows. */
  | ({ readonly name: 'Unsure' } & Doubt)
  /** The intent, and a key without a record. */
  | {
      readonly name: 'Made';
      readonly accessKey: NewAccessKey;
      /** The keys that the user had before. */
      readonly known: readonly string[];
      /** The one of them that is to live on. */
      readonly previous: KeyWithRecord | undefined;
    }
  /** The intent, and a complete key, which AWS perhaps does not show yet. */
  | {
      readonly name: 'Recorded';
      readonly stabilization: Stabilization;
      /** In the invocation that made the key, as its secret. */
      readonly known?: readonly string[];
      readonly secretAccessKey?: string;
    };

export type In<Name extends State['name']> = Extract<State, { name: Name }>;

export function toRecorded({ userName, accessKeyId }: AccessKey): In<'Recorded'> {
  return { name: 'Recorded', stabilization: startStabilization(userName, accessKeyId) };
}
