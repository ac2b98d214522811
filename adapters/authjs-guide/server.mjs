// A small application that signs users in with Google through @auth/core, on plain node:http.
//
//     node server.mjs [CALLBACKS]
//
// CALLBACKS is a module with `callbacks` and perhaps `events`, `logger` and `around`; the guide's by default.

import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Auth } from '@auth/core';
import { getToken } from '@auth/core/jwt';
import Google from '@auth/core/providers/google';
import { withTestView } from './test-view.mjs';

const { PORT, ISSUER, CLIENT_ID, CLIENT_SECRET, AUTH_SECRET } = process.env;
const ORIGIN = `http://127.0.0.1:${PORT}`;

const rules = await import(pathToFileURL(path.resolve(process.argv[2] ?? 'callbacks.mjs')).href);

const config = {
  basePath: '/auth',
  trustHost: true,
  secret: AUTH_SECRET,
  session: { strategy: 'jwt' },
  providers: [
    Google({
      issuer: ISSUER,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      authorization: { params: { access_type: 'offline', prompt: 'consent' } },
    }),
  ],
  callbacks: withTestView(rules.callbacks),
  events: rules.events,
  logger: rules.logger,
};

const around = rules.around ?? ((request, next) => next(request));
const tokenOf = (request) => getToken({ req: request, secret: AUTH_SECRET });
const auth = (request, settings = config) => around(request, (request) => Auth(request, settings), tokenOf);

// What `auth()` of the framework packages does: one read of the session, with the cookies that it sets.
async function readSession(headers) {
  let token;
  const callbacks = {
    ...config.callbacks,
    session: (args) => config.callbacks.session({ ...args, token: (token = args.token) }),
  };
  const request = new Request(`${ORIGIN}/auth/session`, { headers: { cookie: headers.get('cookie') ?? '' } });
  const response = await auth(request, { ...config, callbacks });
  return { session: await response.json(), token, cookies: response.headers.getSetCookie() };
}

// The application's call to an API of the provider, for the user of the session.
async function resource(request) {
  const url = new URL(request.url).searchParams.get('url');
  if (!URL.canParse(url) || new URL(url).origin !== new URL(ISSUER).origin) {
    return Response.json({ error: 'url has to be one of the provider' }, { status: 400 });
  }
  const { session, token, cookies } = await readSession(request.headers);
  const headers = cookies.map((cookie) => ['set-cookie', cookie]);
  if (!session || session.error) {
    return Response.json({ error: session?.error ?? 'signed out' }, { status: 401, headers });
  }
  const { access_token } = token;
  const called = await fetch(url, { headers: { authorization: `Bearer ${access_token}` }, redirect: 'manual' });
  await called.text();
  return Response.json({ status: called.status, access_token }, { headers });
}

function route(request) {
  const { pathname } = new URL(request.url);
  if (pathname === '/api/resource') return resource(request);
  if (pathname.startsWith('/auth/')) return auth(request);
  return new Response('not found', { status: 404 });
}

function toRequest({ method, url, headers }, body) {
  const pairs = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return new Request(new URL(url, ORIGIN), { method, headers: pairs, body: body.length > 0 ? body : undefined });
}

async function answer(incoming, outgoing) {
  const body = Buffer.concat(await incoming.toArray());
  const response = await route(toRequest(incoming, body));
  const headers = { ...Object.fromEntries(response.headers), 'set-cookie': response.headers.getSetCookie() };
  outgoing.writeHead(response.status, headers);
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

const server = http.createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch((error) => {
    console.error(`${incoming.method} ${incoming.url.split('?')[0]}: ${error.name}`);
    if (!outgoing.headersSent) outgoing.writeHead(500);
    outgoing.end();
  });
});
server.listen(Number(PORT), '127.0.0.1');
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0));
