const LOGGED_CALL = /^(?<action>[a-z]+:[A-Z]\w+) (?<outcome>\S+) \d+ ms$/;

/** The AWS calls among the function's log lines: `iam:ListAccessKeys`, with its error if it failed. */
export function findCalls(logs: readonly string[]): string[] {
  return logs.flatMap((line) => {
    const { action, outcome } = LOGGED_CALL.exec(line)?.groups ?? {};
    if (action === undefined) return [];
    return [outcome === 'succeeded' ? action : `${action} (${String(outcome)})`];
  });
}

/** `3 AWS calls: iam:ListAccessKeys ×2, ssm:GetParameters`, in the order of their first use. */
export function describeCalls(calls: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const call of calls) counts.set(call, (counts.get(call) ?? 0) + 1);
  const names = [...counts].map(([call, count]) => (count === 1 ? call : `${call} ×${count}`));
  return `${calls.length} AWS ${calls.length === 1 ? 'call' : 'calls'}: ${names.join(', ')}`;
}
