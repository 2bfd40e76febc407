// SPDX-License-Identifier: Apache-2.0
/** Loads the module of argv as the daemon would, looks once, and says in JSON what came of it. */
import { madeUpProcess } from '../../../src/attestation/made-up-process.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { Failure } from '../../../src/lib/failure.ts';
import { moduleAttestor } from '../../../src/plugins/module-attestor.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';

const [, , module = '', config = 'null'] = process.argv;
const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);

try {
  const options = { name: 'mine', module, config: JSON.parse(config), strength: 'authority' } as const;
  const attestor = await moduleAttestor(options, { clock: systemClock, log: silentLogger, uid: process.getuid!() });
  say({ answer: await attestor.attest(madeUpProcess(), new AbortController().signal) });
} catch (error) {
  const { message } = error as Error;
  say({ reason: error instanceof Failure ? error.reason : 'other', message });
}
