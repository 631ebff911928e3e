import { create } from './create-handler.ts';
import { remove } from './delete-handler.ts';
import { list } from './list-handler.ts';
import { schema, type Model, type TypeConfiguration } from './model.ts';
import { read } from './read-handler.ts';
import { createEntrypoints } from './runtime/entrypoint.ts';
import { preferSmallHeap } from './runtime/memory.ts';
import { update } from './update-handler.ts';

export const { entrypoint, testEntrypoint } = createEntrypoints<Model, TypeConfiguration>(schema, {
  CREATE: create,
  READ: read,
  UPDATE: update,
  DELETE: remove,
  LIST: list,
});

preferSmallHeap();
