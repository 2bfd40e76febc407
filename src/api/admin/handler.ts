// SPDX-License-Identifier: Apache-2.0
/** What each RPC of the admin service is to the rest of this room: a function of its message and of what is known of the call. */
import type { Actor } from '../../store/records.ts';
import type { AdminCaller, Authorisation } from './authorisation.ts';
import type { Outgoing, Request, Response, RpcName } from './wire.ts';

/** What a handler knows of its call beside the message. */
export interface Asked {
  readonly caller: AdminCaller;
  readonly actor: Actor;
  readonly may: Authorisation;
  /** Throws unless the caller may write this SPIFFE ID, and notes it for the log. */
  assertMayWrite(spiffeId: string): void;
}

export type Handler<R extends RpcName> = (
  request: Request<R>,
  asked: Asked,
) => Outgoing<Response<R>> | Promise<Outgoing<Response<R>>>;

export type Handlers<R extends RpcName = RpcName> = { readonly [K in R]: Handler<K> };
