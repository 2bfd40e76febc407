// SPDX-License-Identifier: Apache-2.0
/**
 * X.509-SVIDs minted, on one core: fresh key framed as PKCS#8, template patched, signed, read back and compared. Beside
 * it the fastest of three ways to make nothing but a key pair and a signature with node:crypto.
 *
 *     tools/node/run bench/mint.ts [--rounds 60]
 *
 * Counted in CPU time of the whole process, collector threads included, so that neither a second core nor a busy
 * machine flatters or spoils it. The ways take turns in short rounds, and the first quartile of each counts, as noise
 * only adds.
 */
import { createECDH, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SpiffeId } from '../src/identity/spiffe-id.ts';
import { TrustDomain } from '../src/identity/trust-domain.ts';
import { systemRandom } from '../src/lib/random.ts';
import { buildSelfSignedCa, signerOf } from '../src/x509/ca.ts';
import { LeafTemplate } from '../src/x509/leaf.ts';
import { parseCertificate } from '../src/x509/parse.ts';
import { printRow, quantile, type Row, ratio } from './stats.ts';

const EACH = 250;
const HOUR = 3_600_000;

/** Makes `count` of something. */
type Way = (count: number) => void | Promise<void>;

export async function benchMint(rounds = 60): Promise<{ rows: Row[] }> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const minted = await mintedUnder(privateKey, publicKey);
  const ways = new Map<string, Way>([['minted', minted.way], ...bareWays(privateKey, minted.tbs)]);
  const costs = await inTurns(ways, rounds);
  const cost = (name: string): number => costs.get(name)!;
  const bare = [...costs].filter(([name]) => name !== 'minted').sort((a, b) => a[1] - b[1]);
  const [fastest] = bare[0]!;
  const share = cost(fastest) / cost('minted');
  return {
    rows: [
      {
        what: 'X.509-SVIDs minted on one core, key frame and re-parse included',
        measured: `${perSecond(cost('minted'))} a second, ratio ${ratio(share)}`,
        beside: `bare key pair and signature: ${bare.map(([name, us]) => `${name} ${perSecond(us)}`).join(', ')}`,
        bar: 'ratio 0.5, aim 0.65',
        held: share >= 0.5,
      },
    ],
  };
}

/** A template at work, and the bytes it has signed, so that the bare ways sign as many. */
async function mintedUnder(privateKey: KeyObject, publicKey: KeyObject): Promise<{ way: Way; tbs: Buffer }> {
  const now = Date.now();
  const trustDomain = TrustDomain.parse('example.org');
  const key = { type: 'ec-p256' as const, publicKey, sign: (tbs: Buffer) => sign('sha256', tbs, privateKey) };
  const dates = { notBefore: now - HOUR, notAfter: now + 24 * HOUR };
  const certificate = await buildSelfSignedCa({ trustDomain, key, ...dates, random: systemRandom });
  const template = LeafTemplate.build({
    spiffeId: SpiffeId.of(trustDomain, '/payments/web'),
    dnsNames: ['web.payments.example.org'],
    keyType: 'ec-p256',
    signer: signerOf(certificate, key),
  });
  const options = { now, notAfter: now + HOUR, random: systemRandom };
  const way = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await template.mint(options);
  };
  return { way, tbs: parseCertificate((await template.mint(options)).certificateDer).tbs };
}

function bareWays(privateKey: KeyObject, tbs: Buffer): [string, Way][] {
  const ecdh = createECDH('prime256v1');
  const spki = { type: 'spki', format: 'der' } as const;
  const pkcs8 = { type: 'pkcs8', format: 'der' } as const;
  const times = (once: () => void): Way => {
    return (count) => {
      for (let i = 0; i < count; i++) once();
    };
  };
  const withSignature = (makeKey: () => void): Way =>
    times(() => {
      makeKey();
      sign('sha256', tbs, privateKey);
    });
  return [
    ['KeyObjects', withSignature(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }))],
    [
      'reused ECDH',
      withSignature(() => {
        ecdh.generateKeys();
        ecdh.getPrivateKey();
      }),
    ],
    [
      'DER export',
      withSignature(() =>
        generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding: spki, privateKeyEncoding: pkcs8 }),
      ),
    ],
  ];
}

/** Microseconds of CPU for one, by way. */
async function inTurns(ways: ReadonlyMap<string, Way>, rounds: number): Promise<Map<string, number>> {
  for (const way of ways.values()) await way(2 * EACH);
  const costs = new Map([...ways.keys()].map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of ways) {
      const before = process.cpuUsage();
      await way(EACH);
      const { system, user } = process.cpuUsage(before);
      costs.get(name)!.push((user + system) / EACH);
    }
  }
  return new Map([...costs].map(([name, each]) => [name, quantile(each, 0.25)]));
}

const perSecond = (us: number): string => `${Math.round(1e6 / us).toLocaleString('en-US')} (${us.toFixed(1)} µs)`;

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '60' } } });
  const { rows } = await benchMint(Number(values.rounds));
  for (const row of rows) printRow(row);
}
