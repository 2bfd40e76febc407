// SPDX-License-Identifier: Apache-2.0
/**
 * `assay-as.ts UID COMMAND...`: the command under another uid. It is loaded first, since that uid may not be able to read
 * this checkout.
 */
import '../../src/cli/entry-count.ts';
import '../../src/cli/entry-create.ts';
import '../../src/cli/entry-delete.ts';
import '../../src/cli/entry-list.ts';
import '../../src/cli/bundle-delete.ts';
import '../../src/cli/exec.ts';
import '../../src/cli/health.ts';
import '../../src/cli/task-run.ts';
import '../../src/config/accounts.ts';
import { loadProtoDefinition } from '../../src/api/proto.ts';
import { processIo } from '../../src/cli/io.ts';
import { buildTree } from '../../src/cli/tree.ts';

loadProtoDefinition('assay/admin/v1/admin.proto');
loadProtoDefinition('assay/launcher/v1/launcher.proto');
loadProtoDefinition('assay/task/v1/task.proto');
const [uid = '', ...words] = process.argv.slice(2);
const [id = '', ...groups] = uid.split(':').map(Number);
process.setgroups!(groups as number[]);
process.setgid!(groups[0] === undefined ? Number(id) : Number(groups[0]));
process.setuid!(Number(id));
process.exitCode = await buildTree(processIo(), 'test').run(words);
