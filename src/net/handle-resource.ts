import { AsyncResource } from 'node:async_hooks';

// `bind` of an AsyncResource is not `bind` of a handle, and Node calls the latter: its type is left out.
type Resource = Pick<AsyncResource, 'asyncId' | 'triggerAsyncId' | 'runInAsyncScope'>;

/** A handle is an asynchronous resource: what was stored when it was made is there when its listeners run. */
export const HandleResource = AsyncResource as unknown as new (type: string) => Resource;
