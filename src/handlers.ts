import { create } from './handlers/create.ts';
import { remove } from './handlers/delete.ts';
import { list } from './handlers/list.ts';
import { read } from './handlers/read.ts';
import { update } from './handlers/update.ts';
import { createEntrypoints } from './runtime/entrypoint.ts';
import { preferSmallHeap } from './runtime/memory.ts';
import { schema, type Model, type TypeConfiguration } from './schema.ts';

export const { entrypoint, testEntrypoint } = createEntrypoints<Model, TypeConfiguration>(schema, {
  CREATE: create,
  READ: read,
  UPDATE: update,
  DELETE: remove,
  LIST: list,
});

preferSmallHeap();
