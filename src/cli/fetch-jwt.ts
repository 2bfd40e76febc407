// SPDX-License-Identifier: Apache-2.0
/** `assay fetch jwt`: tokens for this very process, checked as any client should. */
import { type JwtSvid, readJwtSvids } from '../client/jwt-svid.ts';
import type { Io } from './io.ts';
import { instant, printFields, printJson, when } from './print.ts';
import { usage } from './usage.ts';
import { askWorkloadApi, type CallOptions } from './workload-call.ts';

interface Options extends CallOptions {
  readonly audience?: readonly string[];
  readonly spiffeId?: string;
  readonly raw?: boolean;
}

export async function fetchJwt(io: Io, options: Options): Promise<number> {
  const { audience = [], spiffeId = '', raw = false } = options;
  if (audience.length === 0)
    throw usage(
      '--audience',
      undefined,
      'is required',
      'name whom the token is for: --audience https://api.example.org',
    );
  const request = { audience, spiffe_id: spiffeId };
  const message = await askWorkloadApi(io, options, (api, deadline) => api.fetchJwtSvids(request, deadline));
  const svids = readJwtSvids(message, request, io.now());
  if (raw) io.out(`${svids[0]?.token}\n`);
  else if (options.output === 'json') printJson(io, { svids: svids.map(jwtJson) });
  else print(io, svids);
  return 0;
}

function jwtJson(svid: JwtSvid): object {
  return {
    spiffe_id: svid.spiffeId.toString(),
    hint: svid.hint,
    audiences: svid.audiences,
    kid: svid.kid,
    expires_at: instant(svid.expiresAt),
    token: svid.token,
  };
}

function print(io: Io, svids: readonly JwtSvid[]): void {
  for (const [at, svid] of svids.entries()) {
    if (at > 0) io.out('\n');
    printFields(io, [
      ['spiffe id', svid.spiffeId.toString()],
      ['hint', svid.hint === '' ? undefined : svid.hint],
      ['audience', svid.audiences.join(', ')],
      ['ends', when(svid.expiresAt, io.now())],
      ['token', svid.token],
    ]);
  }
}
