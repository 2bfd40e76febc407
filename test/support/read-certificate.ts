// SPDX-License-Identifier: Apache-2.0
/** Reads certificates for tests with a DER reader of its own, so that what was written is not judged by who wrote it. */

export interface Node {
  readonly tag: number;
  /** Tag, length and content. */
  readonly whole: Buffer;
  readonly content: Buffer;
}

/** The values that lie back to back in `bytes`; throws where a byte is left over or a length is not the shortest form. */
export function nodesIn(bytes: Buffer): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < bytes.length; ) {
    const node = nodeAt(bytes, at);
    nodes.push(node);
    at += node.whole.length;
  }
  return nodes;
}

function nodeAt(bytes: Buffer, at: number): Node {
  const first = bytes.readUInt8(at + 1);
  const more = first < 0x80 ? 0 : first & 0x7f;
  const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
  if (first === 0x80 || (more > 0 && (length < 0x80 || bytes[at + 2] === 0)))
    throw new Error('not the shortest length');
  const start = at + 2 + more;
  if (start + length > bytes.length) throw new Error('longer than what is there');
  return {
    tag: bytes.readUInt8(at),
    whole: bytes.subarray(at, start + length),
    content: bytes.subarray(start, start + length),
  };
}

export interface Extension {
  readonly critical: boolean;
  readonly value: Buffer;
}

export interface ReadCertificate {
  readonly serial: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** Tag and text of both instants. */
  readonly dates: readonly { readonly tag: number; readonly text: string }[];
  readonly spki: Buffer;
  /** By dotted OID. */
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** Names of the bits that are set; undefined without the extension. */
  readonly keyUsage: readonly string[] | undefined;
}

export const OID = {
  subjectAltName: '2.5.29.17',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  extKeyUsage: '2.5.29.37',
  nameConstraints: '2.5.29.30',
  subjectKeyId: '2.5.29.14',
  authorityKeyId: '2.5.29.35',
} as const;

const BITS = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
];

/** RFC 5280, section 4.1: version, serial, algorithm, issuer, validity, subject, key, [3] extensions. */
export function readCertificate(der: Buffer): ReadCertificate {
  const [tbs] = nodesIn(one(der).content);
  const [, serial, , issuer, validity, subject, spki, tagged] = nodesIn((tbs as Node).content) as Node[];
  const extensions = new Map(nodesIn(one((tagged as Node).content).content).map(readExtension));
  const names = extensions.get(OID.subjectAltName);
  const general = names ? nodesIn(one(names.value).content) : [];
  const text = (tag: number): string[] => general.filter((n) => n.tag === tag).map((n) => n.content.toString('latin1'));
  return {
    serial: (serial as Node).content,
    issuer: (issuer as Node).whole,
    subject: (subject as Node).whole,
    dates: nodesIn((validity as Node).content).map((n) => ({ tag: n.tag, text: n.content.toString('latin1') })),
    spki: (spki as Node).whole,
    extensions,
    uris: text(0x86),
    dnsNames: text(0x82),
    keyUsage: keyUsageOf(extensions.get(OID.keyUsage)),
  };
}

function readExtension(node: Node): [string, Extension] {
  const parts = nodesIn(node.content);
  const value = parts.at(-1) as Node;
  return [dotted((parts[0] as Node).content), { critical: parts.length === 3, value: value.content }];
}

function keyUsageOf(extension: Extension | undefined): string[] | undefined {
  if (!extension) return undefined;
  const [, ...bytes] = one(extension.value).content;
  return BITS.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

function dotted(bytes: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of bytes) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [head = 0, ...rest] = arcs;
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - first * 40, ...rest].join('.');
}

/** Exactly one value, and nothing behind it. */
export function one(bytes: Buffer): Node {
  const nodes = nodesIn(bytes);
  if (nodes.length !== 1) throw new Error(`${nodes.length} values where there should be one`);
  return nodes[0] as Node;
}
