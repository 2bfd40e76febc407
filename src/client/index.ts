// SPDX-License-Identifier: Apache-2.0
/** `assay/client`: identities of this process, TLS that proves both ends with them, and tokens for where TLS does not reach. See docs/client.md. */
export { SpiffeId } from '../identity/spiffe-id.ts';
export { TrustDomain } from '../identity/trust-domain.ts';
export type { JwtKey } from '../jwt/key.ts';
export type { HolderKey } from '../jwt/wit-key.ts';
export { Failure } from '../lib/failure.ts';
export { type Authorizer, authorizeAny, authorizeId, authorizeMemberOf } from './authorize.ts';
export type { JwtRules } from './bearer.ts';
export { BundleSource, type BundleSourceOptions, type BundleSourceStatus } from './bundle-source.ts';
export { connectTls, type Destination, type MtlsOptions } from './connect.ts';
export type { CrlStatus } from './crl-book.ts';
export { ENDPOINT_VARIABLE, type Endpoint, parseEndpoint } from './endpoint.ts';
export type { SourceLog, SourceOptions, SourceStatus } from './followed.ts';
export { grpcCredentials, grpcServer, peerOfCall } from './grpc.ts';
export { jwtCallCredentials, jwtPeerOfCall, jwtServerInterceptor } from './grpc-jwt.ts';
export { jwtPeerOf, requireJwtSvid, requireJwtSvidHook } from './http-jwt.ts';
export { httpsAgent } from './https-agent.ts';
export { JwtSource, type JwtSourceOptions, type TokenWish } from './jwt-source.ts';
export type { JwtSvid } from './jwt-svid.ts';
export { type JwtPeer, type JwtTrust, type ValidateOptions, validateJwtSvid } from './jwt-trust.ts';
export { type Peer, type PeerIdentity, peerOf } from './peer.ts';
export { createHttpsServer, createTlsServer } from './server.ts';
export { type UndiciConnector, undiciConnector } from './undici.ts';
export { validateWitSvid, type WitPeer, type WitTrust, type WitValidateOptions } from './wit-trust.ts';
export {
  type SvidPicker,
  X509Source,
  type X509SourceOptions,
  type X509SourceStatus,
} from './x509-source.ts';
export type { X509State, X509Svid } from './x509-state.ts';
