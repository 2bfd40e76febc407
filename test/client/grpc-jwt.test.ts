// SPDX-License-Identifier: Apache-2.0
import type { Server as TlsServer } from 'node:tls';
import {
  type CallCredentials,
  Client,
  status as grpcStatus,
  Metadata,
  Server,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { authorizeAny, authorizeId } from '../../src/client/authorize.ts';
import type { JwtRules } from '../../src/client/bearer.ts';
import { grpcCredentials, grpcServer } from '../../src/client/grpc.ts';
import { jwtCallCredentials, jwtPeerOfCall, jwtServerInterceptor } from '../../src/client/grpc-jwt.ts';
import type { JwtSource } from '../../src/client/jwt-source.ts';
import { JwtDaemon, WEB } from '../support/jwt-daemon.ts';
import { refusalOf } from '../support/refusal.ts';
import { listening, Party, portOf } from '../support/tls-parties.ts';

const pass = (bytes: Buffer): Buffer => bytes;
const method = { requestSerialize: pass, requestDeserialize: pass, responseSerialize: pass, responseDeserialize: pass };
const service: ServiceDefinition = {
  Who: { path: '/Test/Who', requestStream: false, responseStream: false, ...method },
};

let party: Party;
beforeAll(async () => {
  party = await Party.join();
});
afterAll(() => party.close());

let daemon: JwtDaemon;
let source: JwtSource;
let calls: number;
const closing: (() => void)[] = [];
beforeEach(async () => {
  calls = 0;
  daemon = await JwtDaemon.start();
  source = await daemon.open();
});
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
  daemon.close();
});

const rules = (change: Partial<JwtRules> = {}): JwtRules => ({
  source,
  audience: 'a',
  authorize: authorizeId(WEB),
  now: () => daemon.clock.now(),
  ...change,
});

async function serve(given = rules()): Promise<number> {
  const server = new Server({ interceptors: [jwtServerInterceptor(given)] });
  server.addService(service, {
    Who(call: ServerUnaryCall<Buffer, Buffer>, answer: (error: null, value: Buffer) => void) {
      calls += 1;
      answer(null, Buffer.from(`${jwtPeerOfCall(call).spiffeId}`));
    },
  });
  const front: TlsServer = grpcServer(party.source, { authorize: authorizeAny() }, server);
  front.listen(0, '127.0.0.1');
  await listening(front);
  closing.push(
    () => server.forceShutdown(),
    () => front.close(),
  );
  return portOf(front);
}

interface Answer {
  readonly code: number;
  readonly text: string;
}

function call(port: number, metadata = new Metadata(), credentials?: CallCredentials): Promise<Answer> {
  const secure = grpcCredentials(party.source, { authorize: authorizeAny() });
  const client = new Client(`127.0.0.1:${port}`, credentials === undefined ? secure : secure.compose(credentials));
  closing.push(() => client.close());
  return new Promise((resolve) => {
    client.makeUnaryRequest('/Test/Who', pass, pass, Buffer.alloc(0), metadata, (error, value) =>
      resolve(answerOf(error, value)),
    );
  });
}

const answerOf = (error: ServiceError | null, value?: Buffer): Answer =>
  error === null ? { code: 0, text: `${value}` } : { code: error.code, text: error.details };

function withHeader(value: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', value);
  return metadata;
}

describe('gRPC calls', () => {
  it('JWT-18: carry a token of the source, and the server learns whose it is', async () => {
    const port = await serve();
    const credentials = jwtCallCredentials(source, { audience: 'a' });
    for (const _ of [1, 2]) expect(await call(port, new Metadata(), credentials)).toEqual({ code: 0, text: WEB });
    expect(daemon.asked).toEqual([{ audience: ['a'], spiffe_id: '' }]);
  });

  it('without a token end with UNAUTHENTICATED, and no handler runs', async () => {
    const port = await serve();
    expect(await call(port)).toEqual({ code: grpcStatus.UNAUTHENTICATED, text: 'no bearer token was presented' });
    expect((await call(port, withHeader('Basic x'))).code).toBe(grpcStatus.UNAUTHENTICATED);
    expect(calls).toBe(0);
  });

  it('WAPI-28: I10: with a bad token end with UNAUTHENTICATED and the rule, and never the token', async () => {
    const port = await serve();
    const { svid } = await daemon.mint(WEB, ['b']);
    const { code, text } = await call(port, withHeader(`Bearer ${svid}`));
    expect(code).toBe(grpcStatus.UNAUTHENTICATED);
    expect(text).toBe('the token is refused: it is meant for another audience');
    expect(calls).toBe(0);
  });

  it('with a valid token of somebody else end with PERMISSION_DENIED', async () => {
    const port = await serve();
    const { svid } = await daemon.mint('spiffe://td-a/db', ['a']);
    expect((await call(port, withHeader(`Bearer ${svid}`))).code).toBe(grpcStatus.PERMISSION_DENIED);
    expect(calls).toBe(0);
  });

  it('I8: end with UNAVAILABLE while there is nothing to verify with', async () => {
    const port = await serve();
    const { svid } = await daemon.mint(WEB, ['a']);
    source.close();
    expect((await call(port, withHeader(`Bearer ${svid}`))).code).toBe(grpcStatus.UNAVAILABLE);
    expect(calls).toBe(0);
  });

  it('I8: do not get through when authorize fails', async () => {
    const heard: object[] = [];
    const log = { info: () => undefined, warn: (fields: object) => void heard.push(fields) };
    const authorize = (): boolean => {
      throw new Error('no database');
    };
    const port = await serve(rules({ authorize, log }));
    const { svid } = await daemon.mint(WEB, ['a']);
    expect((await call(port, withHeader(`Bearer ${svid}`))).code).toBe(grpcStatus.INTERNAL);
    expect(heard).toEqual([{ problem: 'Error: no database' }]);
    expect(calls).toBe(0);
  });

  it('I8: are not made without a token when the source has none', async () => {
    const port = await serve();
    daemon.api.onTokens = () => {
      throw Object.assign(new Error('no'), { code: grpcStatus.PERMISSION_DENIED, details: 'not granted' });
    };
    const answer = await call(port, new Metadata(), jwtCallCredentials(source, { audience: 'a' }));
    expect(answer.code).not.toBe(0);
    expect(answer.text).toContain('not granted');
    expect(calls).toBe(0);
  });

  it('that nobody checked have no peer', () => {
    expect(refusalOf(() => jwtPeerOfCall({ metadata: new Metadata() })).reason).toBe('PEER_UNKNOWN');
    expect(refusalOf(() => jwtServerInterceptor(rules({ audience: '' }))).reason).toBe('AUDIENCE_MISSING');
  });
});
