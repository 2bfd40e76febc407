// SPDX-License-Identifier: Apache-2.0
/** Policies that were found good, in an instance of Cedar of their own, ready to be asked. */
import { Failure } from '../lib/failure.ts';
import { type Cedar, newCedar } from './cedar.ts';
import { type Checked, checkPolicies, type LoadedPolicy, type PolicyProblem } from './check.ts';
import { type PolicyFile, parseFiles, policyHash } from './files.ts';
import type { CedarRequest } from './request.ts';
import { SCHEMA } from './schema.ts';

export interface Evaluated {
  readonly allowed: boolean;
  /** Ids of the policies that determined it: permits that matched, or forbids; none where no permit did. */
  readonly by: readonly string[];
  /** Ids of policies that could not be evaluated. Never to be passed over: Cedar skips them, a `forbid` too. */
  readonly failed: readonly string[];
}

/** Of the one schema and the one set that an instance ever has. */
const SCHEMA_NAME = 'schema';
const SET_NAME = 'set';

export class PolicySet {
  readonly hash: string;
  readonly files: readonly PolicyFile[];
  readonly policies: ReadonlyMap<string, LoadedPolicy>;
  readonly #load: () => Cedar;
  readonly #now: () => number;
  #cedar: Cedar | undefined;
  #againAt = 0;

  private constructor(files: readonly PolicyFile[], policies: PolicySet['policies'], cedar: Cedar, seams: Seams) {
    this.files = files;
    this.policies = policies;
    this.hash = policyHash(files);
    this.#load = seams.load;
    this.#now = seams.monotonic;
    this.#cedar = this.#prepared(cedar);
  }

  /** Throws Failure('invalid-argument', 'POLICY_INVALID' | …) that names the first problem and counts the rest. */
  static load(files: readonly PolicyFile[], seams: Seams = SEAMS): PolicySet {
    const sorted = parseFiles(files);
    const cedar = seams.load();
    const { policies, problems } = checkPolicies(cedar, sorted);
    const [first, ...rest] = problems;
    // guard: I8 test/policy/check.test.ts
    if (first !== undefined) throw invalid(first, rest.length);
    return new PolicySet(sorted, policies, cedar, seams);
  }

  /** Everything that is wrong with them, for people; throws as `load` does where they cannot be looked at. */
  static check(files: readonly PolicyFile[]): Checked {
    return checkPolicies(newCedar(), parseFiles(files));
  }

  /** Throws where Cedar refuses the request or breaks. It is asked again with a fresh instance, at most once a second. */
  evaluate(request: CedarRequest): Evaluated {
    const cedar = this.#cedar ?? this.#again();
    try {
      return read(
        cedar.statefulIsAuthorized({
          ...request,
          preparsedSchemaName: SCHEMA_NAME,
          validateRequest: true,
          preparsedPolicySetId: SET_NAME,
        }),
      );
    } catch (error) {
      // guard: I8 test/policy/policy-set.test.ts — an instance that broke says anything at all
      if (!(error instanceof Failure)) this.#cedar = undefined;
      throw error;
    }
  }

  /** As if that policy were not there. Slow: all text is parsed again. */
  without(id: string): PolicySet {
    const policies = new Map([...this.policies].filter(([one]) => one !== id));
    return new PolicySet(this.files, policies, this.#load(), { load: this.#load, monotonic: this.#now });
  }

  #again(): Cedar {
    const now = this.#now();
    if (now < this.#againAt) throw new Failure('unavailable', 'POLICY_BROKEN', 'policies are being loaded again');
    this.#againAt = now + 1_000;
    this.#cedar = this.#prepared(this.#load());
    return this.#cedar;
  }

  #prepared(cedar: Cedar): Cedar {
    const staticPolicies = Object.fromEntries([...this.policies].map(([id, { text }]) => [id, text]));
    const schema = cedar.preparseSchema(SCHEMA_NAME, SCHEMA);
    const set = cedar.preparsePolicySet(SET_NAME, { staticPolicies });
    if (schema.type === 'success' && set.type === 'success') return cedar;
    throw new Failure('internal', 'POLICY_BROKEN', 'policies that were found good could not be loaded');
  }
}

export interface Seams {
  /** A fresh instance each time. */
  readonly load: () => Cedar;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
}

const SEAMS: Seams = { load: newCedar, monotonic: () => performance.now() };

function read(answer: ReturnType<Cedar['statefulIsAuthorized']>): Evaluated {
  // What it says may hold values of the request (I10).
  if (answer.type === 'failure')
    throw new Failure('invalid-argument', 'POLICY_REQUEST_INVALID', 'the request is not as the schema has it');
  const { decision, diagnostics } = answer.response;
  return {
    allowed: decision === 'allow',
    by: diagnostics.reason.toSorted(),
    failed: diagnostics.errors.map(({ policyId }) => policyId).sort(),
  };
}

function invalid({ file, line, policyId, message }: PolicyProblem, more: number): Failure {
  const where = file === '' ? 'the policies' : `${file}:${line}`;
  const which = policyId === undefined ? '' : ` policy ${policyId}`;
  const rest = more === 0 ? '' : `, and ${more} more`;
  return new Failure('invalid-argument', 'POLICY_INVALID', `${where}:${which} ${message}${rest}`, {
    field: 'files',
    value: file,
    hint: 'see them all: assay policy check FOLDER',
  });
}
