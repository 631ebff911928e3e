import type { Outcome } from '../../local/cloudformation.ts';
import { nameOf, type CallPoint } from './calls.ts';
import type { Fault } from './faults.ts';
import type { Arranged, Operation } from './operations.ts';
import { DELIVERY, PREFIX, TAGS, type Stage } from './stage.ts';
import { judgeSecrets } from './secret-verdict.ts';
import { codeOf, judge, RETRIED } from './verdict.ts';

/** One operation with one fault at one of its calls. */
export interface Case {
  readonly operation: Operation;
  readonly call: CallPoint;
  readonly fault: Fault;
}

export interface Result {
  /** SUCCESS or the error code. */
  readonly code: string;
  readonly problems: readonly string[];
  readonly milliseconds: number;
}

/** The calls that an operation makes when nothing goes wrong, in order. */
export async function recordCalls(stage: Stage, operation: Operation): Promise<CallPoint[]> {
  const { outcome, problems } = await run(stage, operation, () => {
    stage.proxy.forgetCalls();
  });
  const calls = stage.proxy.calls.map(({ service, action, nth }) => ({ service, action, nth }));
  if (codeOf(outcome) !== operation.ends) problems.push(`it ends with ${codeOf(outcome)}`);
  if (problems.length > 0) throw new Error(`${operation.name}: ${problems.join('; ')}`);
  return calls.filter((call) => operation.isStruck(call));
}

/** Runs the operation with the fault, then all that may follow on its answer, and judges each. */
export async function runCase(stage: Stage, { operation, call, fault }: Case): Promise<Result> {
  const startedAt = Date.now();
  const { proxy } = stage;
  const act: Operation['act'] = async (...given) => {
    const ended = await operation.act(...given);
    if (fault.isLate) await proxy.struck();
    return ended;
  };
  const { outcome, arranged, problems } = await run(stage, { ...operation, act }, () => {
    proxy.forgetCalls();
    proxy.inject(fault, call);
    stage.canRefuse = fault.refuses ?? false;
    if (fault.times === Infinity) stage.time = 'ages';
  });
  const code = codeOf(outcome);
  if (!proxy.calls.some((made) => made.outcome === fault.name)) problems.push('no call was struck');
  const endsUnknown = operation.endsUnknown[nameOf(call)] ?? [];
  if (![operation.ends, ...endsUnknown, ...fault.codes].includes(code)) {
    problems.push(`it ended with ${code}: ${outcome.message ?? ''}`);
  }
  if (outcome.status === 'FAILED' && code !== operation.ends) {
    proxy.forgive();
    problems.push(...(await followUp(stage, operation, arranged, outcome)));
  }
  return { code, problems, milliseconds: Date.now() - startedAt };
}

export interface Run {
  readonly outcome: Outcome;
  readonly arranged: Arranged;
  readonly problems: string[];
}

/** @param aim called right before the invocation that the operation is about. */
export async function run(stage: Stage, operation: Operation, aim: () => void): Promise<Run> {
  await stage.begin();
  const bystander = await operation.makeBystander(stage);
  stage.proxy.lags.oldKeys = [bystander];
  const arranged = { bystander, ...(await operation.arrange(stage, bystander)) };
  const before = await stage.aws.holdings();

  operation.before(stage);
  stage.time = 'skipping';
  stage.watchInvocations((invocation) => {
    if (invocation !== operation.invocation) return;
    operation.after(stage);
    aim();
  });
  const { delivers, typeConfiguration } = operation;
  const cloudFormation = stage.cloudFormation({
    typeConfiguration,
    ...(delivers ? DELIVERY : {}),
  });
  const outcome = await operation.act(cloudFormation, arranged, operation.desired);
  const problems = await judge({ stage, operation, arranged, before, outcome });
  if (outcome.events.length < operation.invocation) problems.push('it was not called back');
  return { outcome, arranged, problems };
}

/** What CloudFormation does after a failure: it retries where the code says so, else it rolls back. */
async function followUp(
  stage: Stage,
  operation: Operation,
  arranged: Arranged,
  failure: Outcome,
): Promise<string[]> {
  const { kind, desired, typeConfiguration } = operation;
  const isRetried = RETRIED.includes(codeOf(failure));
  const before = await stage.aws.holdings();
  const cloudFormation = stage.cloudFormation({ typeConfiguration });
  stage.time = 'skipping';
  stage.proxy.lags.ageing = 0;

  if (kind === 'DELETE' || isRetried) {
    const outcome = await operation.act(cloudFormation, arranged, desired);
    const problems = await judge({ stage, operation, arranged, before, outcome });
    const isDone = [operation.ends, ...(kind === 'DELETE' ? ['NotFound'] : [])].includes(
      codeOf(outcome),
    );
    if (!isDone) problems.push(`ends with ${codeOf(outcome)}: ${outcome.message ?? ''}`);
    if (kind === 'DELETE') problems.push(...(await leftOf(stage, operation, arranged)));
    return problems.map((problem) => `the next ${kind}: ${problem}`);
  }
  const made = failure.events.find(({ resourceModel }) => resourceModel?.Id)?.resourceModel;
  if (kind === 'CREATE' && made) {
    const outcome = await cloudFormation.delete(made);
    const problems = await leftOf(stage, operation, arranged);
    if (!['SUCCESS', 'NotFound'].includes(codeOf(outcome)))
      problems.push(`ends with ${codeOf(outcome)}: ${outcome.message ?? ''}`);
    return problems.map((problem) => `the roll-back: ${problem}`);
  }
  return [];
}

/** All but the bystander, and the key that is to live on; an attempt's intent is named by its message. */
export async function leftOf(
  stage: Stage,
  { supersedes }: Operation,
  { bystander, model }: Arranged,
): Promise<string[]> {
  const holdings = await stage.aws.holdings();
  const { keys, parameters, tags } = holdings;
  const kept = [bystander, ...(supersedes ? [String(model?.Id)] : [])];
  const names = kept.flatMap((id) => [id, `${PREFIX}/${id}`]);
  const left = [...keys.keys(), ...parameters.keys(), ...tags.keys()].filter(
    (name) => ![...names, ...Object.keys(TAGS)].includes(name) && !name.includes('/pending/'),
  );
  return [...left.map((name) => `leaves ${name}`), ...judgeSecrets(holdings)];
}
