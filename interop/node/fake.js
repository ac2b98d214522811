// The fake Google as a child process, and its realms as seen from outside.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { OAuth2Client } from 'google-auth-library';

/** No single step may take longer, in milliseconds. */
export const PATIENCE = 10_000;

const REDIRECT_URI = 'http://127.0.0.1/callback';

export async function startFake() {
  const program = process.env.MOCK_PROVIDER;
  assert(program, 'MOCK_PROVIDER has to hold the path of the mock-provider binary');
  const child = spawn(program, ['--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  // Where the tests end without `stop`, the child must not outlive them; the test runner ends them with SIGTERM.
  process.once('exit', () => child.kill('SIGKILL'));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  try {
    return new Fake(child, JSON.parse(await readyLine(child)));
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

async function readyLine(child) {
  const lines = createInterface({ input: child.stdout });
  const signal = AbortSignal.timeout(PATIENCE);
  const ended = ([code]) => assert.fail(`mock-provider ended with ${code} before it was ready`);
  const [line] = await Promise.race([once(lines, 'line', { signal }), once(child, 'exit', { signal }).then(ended)]);
  return line;
}

class Fake {
  #child;
  #ready;

  constructor(child, ready) {
    this.#child = child;
    this.#ready = ready;
  }

  realm(name) {
    return new Realm(`${this.#ready.issuer}/r/${name}`, `${this.#ready.control}/realms/${name}`);
  }

  async stop() {
    const gone = once(this.#child, 'exit', { signal: AbortSignal.timeout(PATIENCE) });
    this.#child.kill('SIGTERM');
    await gone;
  }
}

class Realm {
  #control;

  constructor(issuer, control) {
    this.issuer = issuer;
    this.#control = control;
  }

  /** Reads from the control API. */
  get(path) {
    return this.#call(path, {});
  }

  /** Changes something through the control API. */
  post(path, body = {}) {
    const headers = { 'content-type': 'application/json' };
    return this.#call(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  async #call(path, init) {
    const answer = await fetch(`${this.#control}/${path}`, { ...init, signal: AbortSignal.timeout(PATIENCE) });
    assert(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer.json();
  }

  async clientId() {
    const [{ id }] = await this.get('clients');
    return id;
  }

  /** The library's client with every endpoint and the issuer set to this realm. `more` are further options. */
  async client(more = {}) {
    const [{ id: clientId, secret: clientSecret }] = await this.get('clients');
    return new OAuth2Client({
      clientId,
      clientSecret,
      redirectUri: REDIRECT_URI,
      issuers: [this.issuer],
      endpoints: {
        oauth2AuthBaseUrl: `${this.issuer}/o/oauth2/v2/auth`,
        oauth2TokenUrl: `${this.issuer}/token`,
        oauth2RevokeUrl: `${this.issuer}/revoke`,
        tokenInfoUrl: `${this.issuer}/tokeninfo`,
        oauth2FederatedSignonPemCertsUrl: `${this.issuer}/oauth2/v1/certs`,
        oauth2FederatedSignonJwkCertsUrl: `${this.issuer}/oauth2/v3/certs`,
      },
      transporterOptions: { timeout: PATIENCE },
      ...more,
    });
  }

  /** What the grants at the token endpoint were so far, in order. */
  async grants() {
    const { entries } = await this.get('journal?since=0');
    return entries.filter(entry => entry.endpoint === 'token').map(entry => entry.params.grant_type);
  }
}

/** Visits the authorize page as a browser would, up to the redirect to the application, and takes the code. */
export async function authorize(client, options) {
  const state = 'of-this-sign-in';
  const scope = ['openid', 'email'];
  const url = client.generateAuthUrl({ access_type: 'offline', scope, state, ...options });
  const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(PATIENCE) });
  assert.equal(answer.status, 302);
  const callback = new URL(answer.headers.get('location'));
  assert.equal(callback.origin + callback.pathname, REDIRECT_URI);
  assert.equal(callback.searchParams.get('state'), state);
  return callback.searchParams.get('code');
}

/** Signs in with PKCE and leaves the client with its credentials. */
export async function signIn(client) {
  const { codeVerifier, codeChallenge } = await client.generateCodeVerifierAsync();
  const challenge = { code_challenge: codeChallenge, code_challenge_method: 'S256' };
  const code = await authorize(client, challenge);
  const { tokens } = await client.getToken({ code, codeVerifier });
  client.setCredentials(tokens);
  return tokens;
}
