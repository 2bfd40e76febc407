// SPDX-License-Identifier: Apache-2.0
/** The `assay` command: builds the tree of commands and runs the one asked for. */
import { processIo } from './cli/io.ts';
import { buildTree } from './cli/tree.ts';
import { ownVersion } from './cli/version.ts';

process.exitCode = await buildTree(processIo(), ownVersion()).run(process.argv.slice(2));
