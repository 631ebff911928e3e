import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { AtTheRateOfIam } from '../src/aws/all-users.ts';
import { callAws, isKmsFailure, present, type SdkError } from '../src/aws/errors.ts';
import { Services } from '../src/aws/services.ts';
import { Log } from '../src/runtime/log.ts';
import { HandlerError, hasErrorCode } from '../src/runtime/progress-event.ts';
import { failedAction, Session } from '../src/runtime/session.ts';

type Service = 'cloudformation' | 'iam' | 'secretsmanager' | 'ssm' | 'sts';
type CredentialsAndRegion = Pick<STSClient['config'], 'credentials' | 'region'>;

const MAX_TRIES_OF_A_CALL = 10;
const CONTROL_CHARACTERS = /\p{Cc}+/gu;

/** The caller's account and Region, at the pace that each service takes. */
export class Aws {
  readonly region: string;
  readonly prefix: string;
  accountId = '';
  readonly #credentials: CredentialsAndRegion['credentials'];
  /** After a throttled call, all calls of that service slow down. */
  readonly #paces = new Map<Service, AtTheRateOfIam>();

  /**
   * The account that AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL lead to.
   *
   * @param prefix of the type's parameters.
   */
  static async open(prefix: string): Promise<Aws> {
    const { config } = new STSClient({});
    const aws = new Aws(config, await config.region(), prefix);
    aws.accountId = await aws.at('sts', (session) =>
      callAws('looking whose credentials these are', async () => {
        const { Account } = await session.client(STSClient).send(new GetCallerIdentityCommand({}));
        return present(Account);
      }),
    );
    return aws;
  }

  private constructor({ credentials }: CredentialsAndRegion, region: string, prefix: string) {
    this.#credentials = credentials;
    this.region = region;
    this.prefix = prefix;
  }

  /** Makes calls. A long report outlives its credentials: each time they are asked for anew. */
  async at<T>(
    service: Service,
    task: (session: Session, services: Services) => Promise<T>,
  ): Promise<T> {
    const { accessKeyId, secretAccessKey, sessionToken } = await this.#credentials();
    const session = new Session(
      this.region,
      new Silence(),
      { accessKeyId, secretAccessKey, sessionToken },
      new AbortController().signal,
      this.#paceOf(service),
    );
    const services = new Services({ typeConfiguration: { parameterPrefix: this.prefix } }, session);
    return session.run(() => task(session, services));
  }

  #paceOf(service: Service): AtTheRateOfIam {
    const pace =
      this.#paces.get(service) ?? new AtTheRateOfIam(() => Promise.resolve(MAX_TRIES_OF_A_CALL));
    this.#paces.set(service, pace);
    return pace;
  }
}

/** Nothing of the calls is shown, so that nothing has to be kept to be concealed. */
class Silence extends Log {
  override write(): void {
    // The report itself is all that is written.
  }

  override conceal(): void {
    // It would pile up all secrets.
  }
}

export interface Gap {
  readonly what: string;
  /** What the caller lacks, if that is why. */
  readonly permission: string | undefined;
  /** How AWS put it, the first time. */
  readonly reason: string;
  count: number;
}

/** What could not be read. The report goes on without it. */
export class Unread {
  readonly #gaps = new Map<string, Gap>();

  get gaps(): readonly Gap[] {
    return [...this.#gaps.values()];
  }

  /** @returns undefined where AWS does not let the caller read it. */
  async allow<T>(what: string, reading: Promise<T>, count = 1): Promise<T | undefined> {
    try {
      return await reading;
    } catch (error) {
      this.note(what, error, count);
      return undefined;
    }
  }

  note(what: string, error: unknown, count = 1): void {
    if (!(error instanceof HandlerError)) throw error;
    const permission = missingPermission(error);
    const name = [what, permission ?? error.errorCode].join(' ');
    const reason = error.message.replaceAll(CONTROL_CHARACTERS, ' ');
    const gap = this.#gaps.get(name) ?? { what, permission, reason, count: 0 };
    gap.count += count;
    this.#gaps.set(name, gap);
  }
}

function missingPermission(error: HandlerError): string | undefined {
  if (!hasErrorCode(error, 'AccessDenied')) return undefined;
  return isKmsFailure(error) ? 'kms:Decrypt' : (error.cause as SdkError)[failedAction];
}
