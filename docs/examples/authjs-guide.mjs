// The findings of docs/findings.md in Auth.js, by hand: the fake Google, an application of adapters/, and a browser of a few
// lines. No suite, no moved clock: access tokens live for one second, then an hour.
// Usage: node docs/examples/authjs-guide.mjs [guide|repaired|nextjs-v5|nextjs-v4] [PART…]
// The application's `setup` has to have been run. MOCK_PROVIDER names the binary, target/release/mock-provider by default.
// Without a PART all are walked but `silence`, which takes five minutes.
import { spawn } from 'node:child_process';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const next = { command: ['node_modules/next/dist/bin/next', 'start', '-H', '127.0.0.1'], base: '/api/auth' };
const applications = {
  guide: { folder: 'authjs-guide', command: ['server.mjs'], base: '/auth' },
  repaired: { folder: 'authjs-repaired', command: ['../authjs-guide/server.mjs', 'callbacks.mjs'], base: '/auth' },
  'nextjs-v5': { folder: 'nextjs-v5', ...next },
  'nextjs-v4': { folder: 'nextjs-v4', ...next },
};
const [name = 'guide', ...chosen] = process.argv.slice(2);
if (!applications[name]) {
  console.error(`usage: node docs/examples/authjs-guide.mjs [${Object.keys(applications).join('|')}] [PART…]`);
  process.exit(2);
}
const { folder, command, base } = applications[name];

// ---- the provider, the application, a browser

const firstLine = (child) => new Promise((done) => createInterface({ input: child.stdout }).once('line', done));
const mock = spawn(process.env.MOCK_PROVIDER ?? `${root}target/release/mock-provider`, { stdio: ['ignore', 'pipe', 'inherit'] });
const { issuer, control, client_id, client_secret } = JSON.parse(await firstLine(mock));

const probe = http.createServer().listen(0, '127.0.0.1');
await new Promise((done) => probe.once('listening', done));
const PORT = probe.address().port;
probe.close();
const origin = `http://${name === 'nextjs-v5' ? 'localhost' : '127.0.0.1'}:${PORT}`;

const application = spawn('node', command, {
  cwd: `${root}adapters/${folder}`,
  stdio: ['ignore', 'pipe', 'pipe'],
  env: {
    ...process.env, PORT, ISSUER: issuer, TOKEN_ENDPOINT: `${issuer}/token`, CLIENT_ID: client_id, CLIENT_SECRET: client_secret,
    AUTH_SECRET: 'by-hand', SHOW_ACCESS_TOKEN: '1', NEXT_TELEMETRY_DISABLED: '1',
    AUTH_URL: origin, NEXTAUTH_URL: origin, AUTH_TRUST_HOST: 'true',
  },
});
let log = '';
for (const stream of [application.stdout, application.stderr]) stream.on('data', (data) => (log += data));
process.on('exit', () => [application, mock].forEach((child) => child.kill()));
while (!(await fetch(`${origin}${base}/providers`).then((r) => r.ok, () => false))) await sleep(100);

async function tell(path, body, method = 'POST') {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${control}/realms/default${path}`, { method, headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${path}: ${answer.error}`);
  return answer;
}
const ask = (path) => tell(path, undefined, 'GET');
const policy = (rules) => tell('/policy', rules, 'PATCH');
const reply = (what, times = 1, grant = 'refresh_token') => tell('/replies', { to: 'token', grant, times, with: what });
const change = (member, raw) => ({ mutate: [raw === undefined ? { remove: `/${member}` } : { set: { at: `/${member}`, raw } }] });
const lasting = () => policy({ access_ttl: '1h' });

class Browser {
  #jar = new Map();

  get cookie() {
    return [...this.#jar].map(([key, value]) => `${key}=${value}`).join('; ');
  }

  async get(path, options = {}) {
    const headers = { ...options.headers, cookie: this.cookie };
    return fetch(new URL(path, origin), { redirect: 'manual', ...options, headers });
  }

  keep(response) {
    for (const line of response.headers.getSetCookie()) {
      const [, key, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value && !/max-age=0\b|1970/i.test(line)) this.#jar.set(key, value);
      else this.#jar.delete(key);
    }
    return response;
  }

  async post(path, fields) {
    const { csrfToken } = await this.keep(await this.get(`${base}/csrf`)).json();
    const body = new URLSearchParams({ csrfToken, callbackUrl: `${origin}/`, json: 'true', ...fields });
    return this.keep(await this.get(base + path, { method: 'POST', body, headers: { 'x-auth-return-redirect': '1' } })).json();
  }

  async signIn() {
    const { url } = await this.post('/signin/google');
    const consent = await fetch(url, { redirect: 'manual' });
    this.landed = this.keep(await this.get(consent.headers.get('location'))).headers.get('location');
    this.asked = new URL(url).searchParams;
    return this;
  }

  signOut = () => this.post('/signout');

  /** Reads the session, and keeps the cookies unless told to lose them. */
  async read({ lose = false, path = `${base}/session` } = {}) {
    const response = await this.get(path);
    if (!lose) this.keep(response);
    return { response, session: await response.json() };
  }
}

// ---- what is printed

let printed = 0;
async function wire() {
  const { entries } = await ask('/journal?endpoint=token');
  const fresh = entries.slice(printed);
  printed = entries.length;
  const line = ({ presented, grant, status, error, minted = [] }) =>
    `${presented ?? grant} -> ${status} ${error ?? minted.filter((label) => !label.startsWith('id')).join(' ')}`.trim();
  return fresh.map(line).join(', ') || 'no request';
}

function shown(session) {
  if (!session?.user) return JSON.stringify(session);
  const token = 'accessToken' in session ? session.accessToken : session.access_token;
  const short = typeof token === 'string' && token.length > 20 ? `…${token.slice(-6)}` : JSON.stringify(token);
  return `${session.user.name}, error ${session.error ?? 'none'}, access token ${short}`;
}
const say = async (what, { session }) => console.log(`  ${what}: ${shown(session)}\n      token endpoint: ${await wire()}`);

const family = async () => (await ask('/families')).families.map(({ end }) => end?.why ?? 'alive').join(', ');

/** A user whose access token has just expired. */
async function expired() {
  const browser = await new Browser().signIn();
  await browser.read();
  await sleep(1_100);
  await wire();
  return browser;
}

async function parked(work) {
  await tell('/holds', { to: 'token', grant: 'refresh_token', when: 'before' });
  const late = work();
  await tell('/parked/wait', { count: 1, within: '5s' });
  return { late, release: async () => tell('/release', { order: (await ask('/parked')).parked }) };
}

// ---- the parts

const parts = {
  async sticky() {
    const browser = await expired();
    await reply({ status: 503, json: {} });
    await say('one 503', await browser.read());
    await lasting();
    await sleep(name === 'repaired' ? 31_000 : 0); // it waits 30 s before it asks again
    await say('well again', await browser.read());
    await say('next read', await browser.read());
  },

  async race() {
    await policy({ rotation: 'always', reuse: 'revoke_family' });
    const browser = await expired();
    await lasting();
    const reads = await Promise.all(Array.from({ length: 5 }, () => browser.read()));
    for (const { session } of reads) console.log(`  ${shown(session)}`);
    console.log(`      token endpoint: ${await wire()}\n      family: ${await family()}`);
  },

  async 'lost-cookie'() {
    await policy({ rotation: 'always', reuse: 'revoke_family' });
    const browser = await expired();
    await lasting();
    await say('its answer is lost', await browser.read({ lose: true }));
    await say('next read', await browser.read());
  },

  async 'late-sign-out'() {
    const browser = await expired();
    await lasting();
    const { late, release } = await parked(() => browser.read({ lose: true }));
    await browser.signOut();
    console.log(`  signed out: ${shown((await browser.read()).session)}`);
    await release();
    browser.keep((await late).response);
    await say('after the late answer', await browser.read());
  },

  async 'late-user'() {
    const browser = await expired();
    await lasting();
    const { late, release } = await parked(() => browser.read({ lose: true }));
    await tell('/users', { sub: 'u-bob', email: 'bob@example.com', given_name: 'Bob', family_name: 'Builder' });
    await tell('/authorize', { user: 'bob@example.com' });
    await browser.signIn();
    console.log(`  Bob has signed in: ${shown((await browser.read()).session)}`);
    await release();
    browser.keep((await late).response);
    await say('after the late answer', await browser.read());
  },

  async 'error-in-200'() {
    const browser = await expired();
    await reply({ status: 200, json: { error: 'invalid_grant' } });
    await say('200 {"error": "invalid_grant"}', await browser.read());
  },

  async nonsense() {
    for (const raw of ['""', '{"a":1}', '12345']) {
      const browser = await expired();
      await lasting();
      await reply(change('access_token', raw));
      await say(`access_token ${raw}`, await browser.read());
      await say('next read', await browser.read());
      await policy({ access_ttl: '1s' });
    }
  },

  async 'expires-in'() {
    for (const raw of [undefined, '"3600"']) {
      const browser = await expired();
      await lasting();
      await reply(change('expires_in', raw), 9);
      for (const read of [1, 2, 3]) await say(`expires_in ${raw ?? 'missing'}, read ${read}`, await browser.read());
      await tell('/replies', undefined, 'DELETE');
      await policy({ access_ttl: '1s' });
    }
  },

  async 'no-refresh-token'() {
    await reply(change('refresh_token'), 1, 'authorization_code');
    const browser = await expired();
    await say('expired', await browser.read());
  },

  async redirect() {
    const browser = await expired();
    const elsewhere = http.createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      console.log(`  the other server gets: ${request.method} ${body.replace(/=([^&]{6})[^&]*/g, '=$1…')}`);
      response.setHeader('content-type', 'application/json');
      response.end('{"access_token": "planted-token", "token_type": "Bearer", "expires_in": 3600}');
    });
    await new Promise((done) => elsewhere.listen(0, '127.0.0.1', done));
    await reply({ status: 307, headers: { location: `http://127.0.0.1:${elsewhere.address().port}/` } });
    await say('307', await browser.read());
    elsewhere.close();
  },

  async 'dead-grant'() {
    const browser = await expired();
    await tell('/events', 'everything_revoked');
    for (const read of [1, 2, 3]) await say(`revoked, read ${read}`, await browser.read());
  },

  async throttled() {
    const browser = await expired();
    await reply({ status: 429, json: {}, retry_after: { seconds: 120 } }, 9);
    for (const read of [1, 2, 3]) await say(`Retry-After: 120, read ${read}`, await browser.read());
  },

  async 'id-token'() {
    const browser = await expired();
    await lasting();
    await reply({ id_token: { set: { sub: 'u-eve' } } });
    await say('an id_token of another user', await browser.read());
  },

  async 'no-lifetime'() {
    await reply(change('expires_in'), 1, 'authorization_code');
    const browser = await new Browser().signIn();
    console.log(`  a sign-in without expires_in lands at ${new URL(browser.landed).pathname}${new URL(browser.landed).search}`);
  },

  async log() {
    await reply(change('token_type', '"mac"'), 1, 'authorization_code');
    log = '';
    await new Browser().signIn();
    await sleep(200);
    const plain = log.replace(/\x1b\[\d+m/g, '').replace(/(_token": ".{8})[^"]*/g, '$1…');
    console.log(plain.split('\n').filter((line) => line && !/^ +at /.test(line)).map((line) => `  ${line}`).join('\n'));
  },

  async state() {
    const { asked } = await new Browser().signIn();
    console.log(`  the sign-in sends ${[...asked.keys()].join(' ')}`);
  },

  async url() {
    await (await expired()).read();
    const [{ method, path, secrets_in_url }] = (await ask('/journal?grant=refresh_token')).entries;
    console.log(`  ${method} ${path}, secrets in its query: ${secrets_in_url.join(' ') || 'none'}`);
  },

  async page() {
    if (name !== 'nextjs-v5') return console.log('  only of nextjs-v5');
    await policy({ rotation: 'always', reuse: 'revoke_family' });
    const browser = await expired();
    await lasting();
    await say('one page behind the proxy', await browser.read({ path: '/me' }));
    console.log(`      family: ${await family()}`);
  },

  async silence() {
    const browser = await expired();
    await tell('/holds', { to: 'token', grant: 'refresh_token', when: 'before' });
    const began = performance.now();
    // Not by fetch, which has the same limit as the one that is looked at.
    const options = { headers: { cookie: browser.cookie } };
    const answer = await new Promise((done) => http.get(`${origin}${base}/session`, options, done));
    const session = JSON.parse(Buffer.concat(await answer.toArray()).toString());
    console.log(`  after ${((performance.now() - began) / 1_000).toFixed(0)} s: ${shown(session)}`);
  },

  // The last, as it replaces the clock of this process.
  async 'year-2038'() {
    const { decode, encode } = await import(`${root}adapters/authjs-guide/node_modules/@auth/core/jwt.js`);
    const Real = Date;
    const secret = 'x'.repeat(32);
    for (const year of [2037, 2039]) {
      const then = Real.UTC(year, 0, 20);
      globalThis.Date = class extends Real {
        constructor(...given) { super(...(given.length ? given : [then])); }
        static now() { return then; }
      };
      const token = await encode({ token: { sub: 'u-ada' }, secret, salt: 's' });
      const read = await decode({ token, secret, salt: 's' }).then(({ sub }) => `of ${sub}`, String);
      console.log(`  a cookie made in January ${year}: ${read}`);
    }
    globalThis.Date = Real;
  },
};

const unknown = chosen.find((part) => !parts[part]);
if (unknown) throw new Error(`no part ${unknown}: ${Object.keys(parts).join(' ')}`);
for (const part of chosen.length ? chosen : Object.keys(parts).filter((part) => part !== 'silence')) {
  await tell('/reset');
  await policy({ access_ttl: '1s' });
  printed = 0;
  console.log(part);
  await parts[part]();
}
process.exit(0);
