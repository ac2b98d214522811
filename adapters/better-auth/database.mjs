// Where Better Auth keeps users, sessions and tokens: SQLite, one file per case, which outlives a restart.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SqliteDialect } from 'kysely';
import Database from 'libsql';

const DATA = fileURLToPath(new URL('data/', import.meta.url));

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

// Each run, whose process is the parent, has a folder. Those of runs that are over go.
function folder() {
  const ours = path.join(DATA, String(process.ppid));
  mkdirSync(ours, { recursive: true });
  for (const run of readdirSync(DATA)) {
    if (!isRunning(Number(run))) rmSync(path.join(DATA, run), { recursive: true, force: true });
  }
  return ours;
}

export function database(id) {
  const name = createHash('sha256').update(id).digest('hex').slice(0, 16);
  const file = new Database(path.join(folder(), `${name}.db`));
  return { dialect: new SqliteDialect({ database: file }), type: 'sqlite', transaction: true };
}
