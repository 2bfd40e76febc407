// SPDX-License-Identifier: Apache-2.0
/** `assay fetch wit`: one answer of FetchWITSVID, checked as any client should, printed without keys or written to files with them. */
import { readWitSvids, type WitSvid } from '../client/wit-svid.ts';
import { firstAnswer } from './first-answer.ts';
import type { Io } from './io.ts';
import { instant, plain, printFields, printJson, when } from './print.ts';
import { seconds } from './values.ts';
import { type WorkloadOptions, workloadPlace } from './workload-place.ts';
import { type File, writeFiles } from './write-files.ts';

interface Options extends WorkloadOptions {
  readonly spiffeId?: string;
  readonly write?: string;
  readonly timeout?: string;
}

const OURS = /^svid\.\d+\.(?:wit|jwk)$/;

export async function fetchWit(io: Io, options: Options): Promise<number> {
  const { spiffeId = '', write } = options;
  const timeout = options.timeout === undefined ? undefined : seconds(options.timeout, '--timeout');
  const place = await workloadPlace(io, options);
  const message = await firstAnswer(place, (api) => api.fetchWitSvids(spiffeId), timeout);
  const svids = readWitSvids(message, spiffeId, io.now());
  const files = write === undefined ? undefined : await writeFiles(write, svids.flatMap(filesOf), OURS);
  if (options.output === 'json') {
    printJson(io, { svids: svids.map(witJson), ...(files === undefined ? {} : { files }) });
    return 0;
  }
  for (const [at, svid] of svids.entries()) {
    if (at > 0) io.out('\n');
    print(io, svid);
  }
  for (const file of files ?? []) io.out(`wrote   ${plain(file)}\n`);
  return 0;
}

function witJson({ spiffeId, hint, kid, alg, expiresAt, token }: WitSvid): object {
  return {
    spiffe_id: spiffeId.toString(),
    hint,
    kid,
    key_alg: alg,
    expires_at: instant(expiresAt),
    wit_svid: token,
  };
}

function print(io: Io, { spiffeId, hint, alg, expiresAt, token }: WitSvid): void {
  printFields(io, [
    ['spiffe id', spiffeId.toString()],
    ['hint', hint === '' ? undefined : hint],
    ['key', alg],
    ['ends', when(expiresAt, io.now())],
    ['wit', token],
  ]);
}

function filesOf({ token, alg, signer }: WitSvid, at: number): readonly File[] {
  const jwk = { ...signer.privateKey.export({ format: 'jwk' }), alg };
  return [
    { name: `svid.${at}.jwk`, text: `${JSON.stringify(jwk)}\n`, mode: 0o600 },
    { name: `svid.${at}.wit`, text: `${token}\n`, mode: 0o644 },
  ];
}
