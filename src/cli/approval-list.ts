// SPDX-License-Identifier: Apache-2.0
/** `assay approvals` and `approvals show` */
import type { WireApproval } from '../api/admin/wire-approval.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import { type Format, relative } from './print.ts';
import { approvalJson, printApproval, requestOf } from './show-approval.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly limit?: string;
  readonly all?: boolean;
}

export async function approvalList(io: Io, options: Options): Promise<number> {
  const state = options.all === true ? '' : 'pending';
  await withAdmin(io, options, (admin) =>
    printList<WireApproval>(io, {
      output: options.output,
      limit: options.limit,
      name: 'approvals',
      heading: ['ID', 'STATE', 'MISSING', 'ANSWER BEFORE', 'IDENTITY', 'PURPOSE'],
      cells: (approval) => [
        approval.id,
        approval.state,
        approval.state === 'pending' ? String(approval.missing) : '-',
        relative(Number(approval.not_after), io.now()),
        approval.identity,
        requestOf(approval).purpose,
      ],
      json: approvalJson,
      none: options.all === true ? 'nobody was asked for anything' : 'nobody is asked for anything',
      page: async (size, token) => {
        const answer = await admin.call('ListApprovals', { state, page_size: size, page_token: token });
        return { rows: answer.approvals, next: answer.next_page_token };
      },
    }),
  );
  return 0;
}

export async function approvalShow(io: Io, options: Options, [id = '']: readonly string[]): Promise<number> {
  const { approval } = await withAdmin(io, options, (admin) => admin.call('GetApproval', { id }));
  printApproval(io, options.output, approval);
  return 0;
}
