import type { NewAccessKey } from '../aws/access-keys.ts';
import type { Stabilization } from '../aws/waiting.ts';
import type { KeyWithRecord } from '../resource/previous-key.ts';
import type { Doubt } from './orphans.ts';

/** Each with what may exist if the invocation dies in it. */
export type State =
  /** Nothing of this attempt. */
  | { readonly name: 'Fresh' }
  /** The intent. */
  | ({ readonly name: 'Claimed'; readonly lostAnswers: number } & Doubt)
  /** The intent, and perhaps a key that nobody knows. */
  | ({ readonly name: 'Unsure'; readonly lostAnswers: number } & Doubt)
  /** The intent, and a key without a record. */
  | {
      readonly name: 'Made';
      readonly accessKey: NewAccessKey;
      /** The keys that the user had before. */
      readonly known: readonly string[];
      /** The one of them that is to live on. */
      readonly previous?: KeyWithRecord | undefined;
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
