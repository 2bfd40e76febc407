// SPDX-License-Identifier: Apache-2.0
/** `assay doctor`: asks the daemon how it is, and where there is none looks at the machine itself. 1 when a check fails. */
import type { WireCheck } from '../api/admin/wire.ts';
import { type InspectedConfig, inspectConfig } from '../config/parse.ts';
import { Failure } from '../lib/failure.ts';
import type { Check } from '../telemetry/check.ts';
import { hostChecks } from '../telemetry/host-checks.ts';
import { withAdmin } from './admin-client.ts';
import { type ConfigFlags, configSource } from './config-flags.ts';
import type { Io } from './io.ts';
import { printJson } from './print.ts';
import { checkJson, printChecks } from './show-checks.ts';

export async function doctor(io: Io, options: ConfigFlags): Promise<number> {
  const checks = await allChecks(io, options);
  const shown = checks.map((check): WireCheck => ({ ...check, hint: check.hint ?? '' }));
  if (options.output === 'json') printJson(io, { checks: shown.map(checkJson) });
  else printChecks(io, shown);
  return checks.some((check) => check.status === 'fail') ? 1 : 0;
}

async function allChecks(io: Io, options: ConfigFlags): Promise<readonly Check[]> {
  const daemon = await askDaemon(io, options);
  if (!(daemon instanceof Failure)) {
    // What this user's defaults would be says nothing of a daemon that runs; a file that was named does.
    const named = options.config !== undefined || io.env.get('ASSAY_CONFIG') !== undefined;
    return named ? [...(await configuration(io, options, daemon.uid)).checks, ...daemon.checks] : daemon.checks;
  }
  const { checks, seen } = await configuration(io, options, io.uid);
  const here = [...checks, failed('daemon', daemon)];
  if (daemon.reason !== 'NO_DAEMON' || seen === undefined || seen.problems.length > 0) return here;
  const host = { config: seen.config, uid: io.uid, pid: process.pid, monotonic: () => performance.now() };
  return [...here, ...(await hostChecks(host))];
}

async function askDaemon(
  io: Io,
  options: ConfigFlags,
): Promise<{ readonly uid: number; readonly checks: readonly Check[] } | Failure> {
  try {
    return await withAdmin(io, options, async (admin) => {
      const caller = await admin.call('WhoAmI', {});
      const { checks } = await admin.call('GetDoctor', {});
      const answers: Check = { name: 'daemon', status: 'ok', text: `answers at ${admin.place.path}` };
      const may =
        caller.may_write === 'below_prefixes' ? 'read, and write below its prefixes' : 'read and write everything';
      const you: Check = { name: 'this user', status: 'ok', text: `uid ${caller.uid} may ${may}` };
      const theirs = checks.map(({ name, status, text, hint }) => ({ name, status, text, hint }) as Check);
      return { uid: Number(caller.daemon_uid), checks: [answers, you, ...theirs] };
    });
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

async function configuration(
  io: Io,
  options: ConfigFlags,
  uid: number,
): Promise<{ readonly checks: readonly Check[]; readonly seen: InspectedConfig | undefined }> {
  const name = 'configuration';
  try {
    const seen = await inspectConfig({ ...configSource(io, options), uid });
    const wrong = seen.problems.map((problem) => failed(name, problem));
    const doubtful = seen.warnings.map((text): Check => ({ name, status: 'warn', text }));
    const fine: readonly Check[] = wrong.length > 0 ? [] : [{ name, status: 'ok', text: 'no mistake in it' }];
    return { checks: [...wrong, ...doubtful, ...fine], seen };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { checks: [failed(name, error)], seen: undefined };
  }
}

function failed(name: string, { message, hint }: Failure): Check {
  return { name, status: 'fail', text: message, ...(hint === undefined ? {} : { hint }) };
}
