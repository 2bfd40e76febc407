// SPDX-License-Identifier: Apache-2.0
/** Walks a paged list and prints it as it comes, so that a million rows need no memory. */
import { Failure } from '../lib/failure.ts';
import type { Io } from './io.ts';
import { type Format, jsonText, printTable } from './print.ts';
import { count } from './values.ts';

const ROWS_PER_PAGE = 500;
const MOST_ROWS = 100_000_000;

export interface ListOptions<Row> {
  readonly output: Format;
  readonly limit: string | undefined;
  /** The member of the JSON document. */
  readonly name: string;
  readonly heading: readonly string[];
  readonly cells: (row: Row) => readonly string[];
  readonly json: (row: Row) => object;
  /** Said on standard error when there are none, for people. */
  readonly none: string;
  readonly page: (size: number, token: string) => Promise<{ readonly rows: readonly Row[]; readonly next: string }>;
}

export async function printList<Row>(io: Io, options: ListOptions<Row>): Promise<void> {
  const most = options.limit === undefined ? MOST_ROWS : count(options.limit, '--limit', MOST_ROWS);
  const json = options.output === 'json';
  let printed = 0;
  let token = '';
  if (json) io.out(`{\n  ${JSON.stringify(options.name)}: [`);
  let size = ROWS_PER_PAGE;
  do {
    const wanted = Math.min(size, most - printed);
    const { rows, next, asked } = await thatFits(wanted, (count) => options.page(count, token));
    size = asked;
    if (json) {
      for (const [at, row] of rows.entries()) {
        io.out(`${printed + at === 0 ? '' : ','}\n${jsonText(options.json(row), 2).replace(/^/gm, '    ')}`);
      }
    } else if (rows.length > 0) {
      printTable(io, options.heading, rows.map(options.cells), printed === 0);
    }
    printed += rows.length;
    token = next;
  } while (token !== '' && printed < most);
  if (json) io.out(`${printed === 0 ? '' : '\n  '}]\n}\n`);
  else if (printed === 0) io.talk(`${options.none}\n`);
}

/** Rows may be large: where a page does not fit into one answer, half of it is asked for. `asked`: what did fit. */
export async function thatFits<Page extends object>(
  size: number,
  page: (size: number) => Promise<Page>,
): Promise<Page & { readonly asked: number }> {
  for (let asked = size; ; asked = Math.ceil(asked / 2)) {
    try {
      return { ...(await page(asked)), asked };
    } catch (error) {
      if (!(error instanceof Failure) || error.reason !== 'GRPC_RESOURCE_EXHAUSTED' || asked === 1) throw error;
    }
  }
}
