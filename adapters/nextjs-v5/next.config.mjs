import path from 'node:path';

// The callbacks are those of the folder beside this one.
const root = path.resolve(import.meta.dirname, '..');

export default { turbopack: { root }, outputFileTracingRoot: root, poweredByHeader: false };
