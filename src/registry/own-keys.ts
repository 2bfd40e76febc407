// SPDX-License-Identifier: Apache-2.0
/** One key serves one trust domain (BUN-13): no bundle of another may hold one of ours, in whatever certificate. */
import { Failure, quote } from '../lib/failure.ts';
import type { BundleContent, JwtKeyRecord } from '../store/records.ts';
import type { AuthorityStore } from '../store/store.ts';
import { certifiedKey, isSameKey } from '../x509/same-key.ts';

/** Throws where the content has a key of ours. */
export type OwnKeyCheck = (trustDomain: string, content: BundleContent) => void;

/** Reads our keys once, for as many bundles as are looked at in one step. */
export function ownKeyCheck(store: Pick<AuthorityStore, 'loadAuthorities'>): OwnKeyCheck {
  const x509 = store.loadAuthorities('x509').map(({ id, published }) => ({ id, ...certifiedKey(published) }));
  const jwt = [...store.loadAuthorities('jwt'), ...store.loadAuthorities('jwt-rsa')];

  const refuseCertificates = (trustDomain: string, certificates: readonly Buffer[]): void => {
    if (x509.length === 0) return;
    for (const [at, der] of certificates.entries()) {
      const given = certifiedKey(der);
      const ours = x509.find((one) => isSameKey(one, given));
      if (ours !== undefined) throw holdsOwnKey(trustDomain, `certificate ${at + 1}`, ours.id);
    }
  };
  const refuseJwtKeys = (trustDomain: string, jwtKeys: readonly JwtKeyRecord[]): void => {
    for (const { kid, publicKey } of jwtKeys) {
      const ours = jwt.find(({ published }) => published.equals(publicKey));
      if (ours !== undefined) throw holdsOwnKey(trustDomain, `the JWT key ${quote(kid)}`, ours.id);
    }
  };
  return (trustDomain, { certificates, jwtKeys }) => {
    // guard: BUN-13 test/registry/foreign-bundles.test.ts
    refuseCertificates(trustDomain, certificates);
    // guard: BUN-13 test/registry/foreign-bundles.test.ts
    refuseJwtKeys(trustDomain, jwtKeys);
  };
}

function holdsOwnKey(trustDomain: string, what: string, authorityId: string): Failure {
  const name = quote(trustDomain);
  return new Failure(
    'invalid-argument',
    'BUNDLE_HOLDS_OWN_ROOT',
    `${what} for trust domain ${name} is refused: its key is that of our own authority ${authorityId}`,
    { field: 'bundle', value: trustDomain, hint: 'ask the other side for its own bundle' },
  );
}
