// A small application that signs users in with Better Auth, on plain node:http.

import http from 'node:http';
import { toNodeHandler, fromNodeHeaders } from 'better-auth/node';
import { auth } from './auth.mjs';

const { PORT, ISSUER } = process.env;
const ORIGIN = `http://127.0.0.1:${PORT}`;

// What Better Auth says when there is no valid access token. Anything else it throws is not caught.
const REFRESH_FAILED = 'FAILED_TO_GET_ACCESS_TOKEN';

// What a page of this application does first: who is signed in, and a valid access token of theirs.
async function readSession(headers) {
  const { response: session, headers: answered } = await auth.api.getSession({ headers, returnHeaders: true });
  const cookies = answered.getSetCookie();
  if (!session) return { cookies, session: null };
  const accounts = await auth.api.listUserAccounts({ headers });
  const { id: accountId, accountId: sub } = accounts.find(({ providerId }) => providerId === 'google');
  const user = { id: session.user.id, sub };
  try {
    const { accessToken } = await auth.api.getAccessToken({ body: { accountId }, headers });
    return { cookies, session: { user, access_token: accessToken } };
  } catch (error) {
    if (error.body?.code !== REFRESH_FAILED) throw error;
    return { cookies, session: { user, error: REFRESH_FAILED } };
  }
}

// The application's call to an API of the provider, for the user of the session.
async function resource(headers, url) {
  if (!URL.canParse(url) || new URL(url).origin !== new URL(ISSUER).origin) {
    return [400, { error: 'url has to be one of the provider' }];
  }
  const { cookies, session } = await readSession(headers);
  if (!session || session.error) return [401, session ?? {}, cookies];
  const authorization = `Bearer ${session.access_token}`;
  const called = await fetch(url, { headers: { authorization }, redirect: 'manual' });
  await called.text();
  return [200, { ...session, status: called.status }, cookies];
}

const pages = {
  async 'GET /sign-in'(headers) {
    const body = { provider: 'google', callbackURL: '/', errorCallbackURL: '/sign-in-failed' };
    const { response, headers: answered } = await auth.api.signInSocial({ body, headers, returnHeaders: true });
    return [302, {}, answered.getSetCookie(), response.url];
  },
  async 'GET /sign-in-failed'(headers, query) {
    return [403, { error: query.get('error') }];
  },
  async 'POST /sign-out'(headers) {
    const { headers: answered } = await auth.api.signOut({ headers, returnHeaders: true });
    return [302, {}, answered.getSetCookie(), '/'];
  },
  async 'GET /session'(headers) {
    const { cookies, session } = await readSession(headers);
    return [200, session, cookies];
  },
  'GET /resource': (headers, query) => resource(headers, query.get('url')),
  async 'GET /'() {
    return [200, {}];
  },
};

async function answer(incoming, outgoing) {
  const url = new URL(incoming.url, ORIGIN);
  const page = pages[`${incoming.method} ${url.pathname}`] ?? (async () => [404, {}]);
  const [status, body, cookies = [], location] = await page(fromNodeHeaders(incoming.headers), url.searchParams);
  if (location) outgoing.setHeader('location', location);
  outgoing.setHeader('set-cookie', cookies);
  outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const handler = toNodeHandler(auth);
const server = http.createServer((incoming, outgoing) => {
  if (incoming.url.startsWith('/api/auth/')) return handler(incoming, outgoing);
  return answer(incoming, outgoing).catch((error) => {
    console.error(`${incoming.method} ${incoming.url.split('?')[0]}: ${error.name} ${error.body?.code ?? ''}`);
    outgoing.writeHead(500).end();
  });
});
server.listen(Number(PORT), '127.0.0.1');
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0));
