// SPDX-License-Identifier: Apache-2.0
/** `proto/assay/plugin/v1/attestor.proto` as a plugin author would load it: nothing of src/. */
import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const file = fileURLToPath(new URL('../../proto/assay/plugin/v1/attestor.proto', import.meta.url));
const definition = loadSync(file, { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true });

export const pluginService = definition['assay.plugin.v1.Attestor'] as ServiceDefinition;
