import type { Properties, ProgressEvent } from '../../local/cloudformation.ts';
import type { Call } from './aws-proxy.ts';

/** One invocation with everything that it showed to anybody. */
export interface Exposure {
  readonly request: unknown;
  readonly answer: ProgressEvent | undefined;
  readonly logs: readonly string[];
}

interface Request {
  readonly requestData?: Readonly<Record<string, Properties | null | undefined>>;
}

/** Every form in which the credentials of these requests and the secrets made could be written. */
export function secretsIn(exposures: readonly Exposure[], minted: readonly string[]): string[] {
  const credentials = exposures.flatMap(({ request }) => {
    const { callerCredentials, providerCredentials } =
      (request as Request | null)?.requestData ?? {};
    return [callerCredentials, providerCredentials].flatMap((given) => Object.values(given ?? {}));
  });
  const passwords = exposures.map(({ answer }) => answer?.resourceModel?.SesSmtpPassword);
  const secrets = [...credentials, ...minted, ...passwords].filter(
    (secret): secret is string => typeof secret === 'string' && secret.length >= 8,
  );
  return [...new Set(secrets)].flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
  ]);
}

/** Whatever of the invocations is kept or shown: all but the secrets that READ and CREATE return. */
export function textsOf(exposures: readonly Exposure[], calls: readonly Call[]): string[] {
  const answers = exposures.map(({ answer }) => {
    if (answer?.status !== 'SUCCESS' || !answer.resourceModel) return answer;
    const shown = { SecretAccessKey: undefined, SesSmtpPassword: undefined };
    return { ...answer, resourceModel: { ...answer.resourceModel, ...shown } };
  });
  const delivered = calls.filter(({ service }) => service === 'logs' || service === 'monitoring');
  return [
    ...exposures.flatMap(({ logs }) => logs),
    ...answers.map((answer) => JSON.stringify(answer ?? null)),
    ...delivered.map(({ parameters }) => JSON.stringify(parameters)),
  ];
}

/** Fails the test where a secret, in any form, is in any of the texts. */
export function expectNoSecret(secrets: readonly string[], texts: readonly string[]): void {
  const leaks = texts.filter((line) => secrets.some((secret) => line.includes(secret)));
  expect(leaks).toEqual([]);
}
