// The adapter for openid-client: its authorization code flow, and a refresh when its `expiresIn()` says so.

import { createRequire } from "node:module";
import * as client from "openid-client";
import { active, browse, REDIRECT_URI, serve } from "../node/regrant_adapter.mjs";

const { version } = createRequire(import.meta.url)("openid-client/package.json");

/** The application's own: the library cannot be asked for a refresh without a refresh token. */
class NoRefreshToken extends Error {}

const REFUSALS = [client.ClientError, client.ResponseBodyError, client.WWWAuthenticateChallengeError, NoRefreshToken];

/** How the library says that it has no token. What `fetch` throws when the provider is not reached it hands on. */
const isRefusal = (error) =>
  REFUSALS.some((kind) => error instanceof kind) || (error instanceof TypeError && error.message === "fetch failed");

class App {
  constructor({ issuer, client: { id, secret } }, scopes) {
    Object.assign(this, { issuer, id, secret, scope: scopes.join(" ") });
  }

  /** Once, when it is first needed. */
  #config() {
    const insecure = { execute: [client.allowInsecureRequests] }; // It is http on this machine.
    this.discovered ??= client.discovery(new URL(this.issuer), this.id, this.secret, undefined, insecure);
    return this.discovered;
  }

  async signIn() {
    const config = await this.#config();
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const expectedState = client.randomState();
    const expectedNonce = client.randomNonce();
    const page = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: this.scope,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      state: expectedState,
      nonce: expectedNonce,
      access_type: "offline",
      prompt: "consent",
    });
    const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
    const tokens = await client.authorizationCodeGrant(config, await browse(page), checks);
    const user = { subject: tokens.claims().sub };
    store(user, tokens);
    return { user, session: active(user.subject, { token: user.accessToken }) };
  }

  async session(user) {
    try {
      await this.#refreshIfExpired(user);
      return { session: active(user.subject, { token: user.accessToken }) };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      console.error(`no access token: ${error}`);
      return { session: active(user.subject, { error: error.constructor.name }) };
    }
  }

  async #refreshIfExpired(user) {
    if (!(user.expiresAt <= Date.now())) return;
    if (!user.refreshToken) throw new NoRefreshToken("there is no refresh token");
    store(user, await client.refreshTokenGrant(await this.#config(), user.refreshToken));
  }

  async api(user, url) {
    const { session } = await this.session(user);
    if (!session.access_token) return { session };
    return { session, status: await this.#call(session.access_token, new URL(url)) };
  }

  async #call(accessToken, url) {
    try {
      return (await client.fetchProtectedResource(await this.#config(), accessToken, url, "GET")).status;
    } catch (error) {
      if (error instanceof client.WWWAuthenticateChallengeError) return error.status;
      throw error;
    }
  }

  async signOut(user) {
    try {
      await client.tokenRevocation(await this.#config(), user.refreshToken ?? user.accessToken);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      console.error(`not revoked: ${error}`);
    }
  }

  save(user) {
    return JSON.stringify(user);
  }

  load(saved) {
    return JSON.parse(saved);
  }
}

/** What is kept of a token response. A refresh may bring a new refresh token; most bring none. */
function store(user, tokens) {
  const seconds = tokens.expiresIn();
  user.accessToken = tokens.access_token;
  user.refreshToken = tokens.refresh_token ?? user.refreshToken;
  user.expiresAt = seconds === undefined ? undefined : Date.now() + seconds * 1000;
}

serve(App, {
  adapter: "openid-client 1",
  target: { name: "openid-client", version, homepage: "https://github.com/panva/openid-client" },
  claims: [
    "sign_in",
    "sign_out",
    "session.error",
    "session.access_token",
    "session.concurrent",
    "session.cancel",
    "refresh.on_session",
    "refresh.on_api",
    "clock.set",
    "actors.tab",
    "restart",
    "id_token",
    "revocation",
    "logs",
  ],
  errors: { RefreshTokenError: [...REFUSALS.map((kind) => kind.name), "TypeError"] },
});
