// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { isSelfServing, parseRelationship, type RelationshipText } from '../../src/federation/relationship.ts';
import { refusalOf } from '../support/refusal.ts';

const WEB: RelationshipText = {
  trustDomain: 'partner.example',
  url: 'https://partner.example/bundle',
  profile: 'https_web',
  endpointSpiffeId: undefined,
};
const SPIFFE: RelationshipText = {
  ...WEB,
  profile: 'https_spiffe',
  endpointSpiffeId: 'spiffe://partner.example/spire/server',
};

describe('a relationship', () => {
  it('FED-14: by https_web needs trust domain, url and profile alone', () => {
    const { trustDomain, url, endpoint } = parseRelationship(WEB);
    expect([trustDomain.name, `${url}`, endpoint]).toEqual([WEB.trustDomain, WEB.url, { profile: 'https_web' }]);
  });

  it('by https_spiffe serves itself, or not', () => {
    expect(isSelfServing(parseRelationship(SPIFFE))).toBe(true);
    const other = { ...SPIFFE, endpointSpiffeId: 'spiffe://other.example/bundles' };
    expect(isSelfServing(parseRelationship(other))).toBe(false);
    expect(isSelfServing(parseRelationship(WEB))).toBe(false);
  });

  it.each([
    ['FED-13: no trust domain', { ...WEB, trustDomain: undefined }, 'trust_domain', 'FEDERATION_INVALID'],
    ['FED-13: an empty trust domain', { ...WEB, trustDomain: '' }, 'trust_domain', 'FEDERATION_INVALID'],
    ['FED-13: no url', { ...WEB, url: undefined }, 'url', 'FEDERATION_INVALID'],
    ['FED-13: no profile', { ...WEB, profile: undefined }, 'profile', 'FEDERATION_INVALID'],
    ['FED-13: a profile of another name', { ...WEB, profile: 'web' }, 'profile', 'FEDERATION_INVALID'],
    [
      'FED-13: https_spiffe without an ID',
      { ...SPIFFE, endpointSpiffeId: undefined },
      'endpoint_spiffe_id',
      'FEDERATION_INVALID',
    ],
    ['FED-14: https_web with an ID', { ...SPIFFE, profile: 'https_web' }, 'endpoint_spiffe_id', 'FEDERATION_INVALID'],
    ['FED-02: http', { ...WEB, url: 'http://partner.example/' }, 'url', 'URL_INVALID'],
    ['FED-02: a user in the url', { ...WEB, url: 'https://u:p@partner.example/' }, 'url', 'URL_INVALID'],
    [
      'an ID that names a trust domain',
      { ...SPIFFE, endpointSpiffeId: 'spiffe://a' },
      'endpoint_spiffe_id',
      'SPIFFE_ID_INVALID',
    ],
    [
      'CLI-09: a trust domain that Go cannot read',
      { ...WEB, trustDomain: 'a..b' },
      'trust_domain',
      'TRUST_DOMAIN_INVALID',
    ],
    ['a SPIFFE ID for a trust domain', { ...WEB, trustDomain: 'spiffe://a' }, 'trust_domain', 'TRUST_DOMAIN_INVALID'],
  ])('%s is refused', (_, text, field, reason) => {
    const refused = refusalOf(() => parseRelationship(text));
    expect([refused.field, refused.reason]).toEqual([field, reason]);
  });
});
