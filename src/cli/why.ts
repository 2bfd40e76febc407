// SPDX-License-Identifier: Apache-2.0
/** `assay why`: what the daemon would decide. */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { readRequestFile } from './policy-folder.ts';
import type { Format } from './print.ts';
import { decisionOfWire, printDecision } from './show-policy.ts';
import { usage } from './usage.ts';
import { seconds, sequence } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly request?: string;
  readonly action?: string;
  readonly ttl?: string;
  readonly depth?: string;
  readonly approval?: readonly string[];
  readonly uidRelation?: string;
  readonly secrets?: string;
  readonly selector?: readonly string[];
  readonly finding?: readonly string[];
}

export async function why(
  io: Io,
  options: Options,
  [principal, target, ...intents]: readonly string[],
): Promise<number> {
  if ((options.request === undefined) === (principal === undefined))
    throw usage(
      'assay why',
      undefined,
      'needs a request',
      'write: assay why SPIFFE_ID TARGET INTENT, or --request FILE',
    );
  const said =
    options.request === undefined
      ? saidBy(options, principal, target, intents)
      : await readRequestFile(options.request);
  const request = JSON.stringify(said);
  const decision = await withAdmin(io, options, (admin) => admin.call('ExplainDecision', { request }));
  printDecision(io, options.output, decisionOfWire(decision));
  return 0;
}

function saidBy(
  options: Options,
  principal: string | undefined,
  target: string | undefined,
  intents: readonly string[],
): object {
  if (target === undefined || intents.length === 0)
    throw usage('assay why', undefined, 'needs a target and an intent', 'write: assay why SPIFFE_ID TARGET INTENT');
  const { action, ttl, depth, approval, uidRelation, secrets, selector, finding } = options;
  const attested = { ...(selector && { selectors: selector }), ...(secrets && { secrets }) };
  return {
    principal,
    target,
    intents,
    ...(action === undefined ? {} : { action }),
    ...(ttl === undefined ? {} : { seconds: seconds(ttl, '--ttl') }),
    ...(depth === undefined ? {} : { depth: sequence(depth, '--depth') }),
    ...(approval === undefined ? {} : { approvals: approval.map(approvalOf) }),
    ...(uidRelation === undefined ? {} : { uid_relation: uidRelation }),
    ...(finding === undefined ? {} : { findings: finding }),
    ...(Object.keys(attested).length === 0 ? {} : { attested }),
  };
}

function approvalOf(text: string): object {
  const [human, strength, uid, ...more] = text.split(':');
  if (!human || !strength || more.length > 0)
    throw usage('--approval', text, 'is not of the form HUMAN:STRENGTH', 'write alice:touch, or bob:key:other');
  return { human, strength, ...(uid === undefined ? {} : { uid }) };
}
