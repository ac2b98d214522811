// The adapter for google-auth-library: one OAuth2Client for each user, as its README and Google's guide for web servers
// have it.

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { CodeChallengeMethod, gaxios, OAuth2Client } from "google-auth-library";
import { active, browse, REDIRECT_URI, serve } from "../node/regrant_adapter.mjs";

const { version } = createRequire(import.meta.url)("google-auth-library/package.json");

/** As Google's guide logs an error, its text; or all of it, as the README of the library does. */
const log = process.env.LOG_WHOLE_ERRORS ? console.error : (error) => console.error(`no access token: ${error}`);

/** How the library says that it has no token: a `GaxiosError`, or a plain `Error` with a text of its own. */
const isRefusal = (error) => error instanceof gaxios.GaxiosError || error?.constructor === Error;

class App {
  constructor({ issuer, endpoints, client }, scopes) {
    this.scopes = scopes;
    this.options = {
      clientId: client.id,
      clientSecret: client.secret,
      redirectUri: REDIRECT_URI,
      issuers: [issuer],
      endpoints: {
        oauth2AuthBaseUrl: endpoints.authorization,
        oauth2TokenUrl: endpoints.token,
        oauth2RevokeUrl: endpoints.revocation,
        oauth2FederatedSignonPemCertsUrl: `${issuer}/oauth2/v1/certs`,
      },
    };
  }

  async signIn() {
    const user = this.#user();
    const { client } = user;
    const { codeVerifier, codeChallenge } = await client.generateCodeVerifierAsync();
    const state = randomBytes(32).toString("hex");
    const page = client.generateAuthUrl({
      access_type: "offline",
      prompt: "consent",
      scope: this.scopes,
      state,
      code_challenge: codeChallenge,
      code_challenge_method: CodeChallengeMethod.S256,
    });
    const back = (await browse(page)).searchParams;
    if (back.has("error")) throw new Error(`the sign-in was refused: ${back.get("error")}`);
    if (back.get("state") !== state) throw new Error("state mismatch");
    const { tokens } = await client.getToken({ code: back.get("code"), codeVerifier });
    client.setCredentials(tokens);
    const ticket = await client.verifyIdToken({ idToken: tokens.id_token, audience: this.options.clientId });
    user.subject = ticket.getPayload().sub;
    return { user, session: active(user.subject, { token: tokens.access_token }) };
  }

  async session({ client, subject }) {
    try {
      const { token } = await client.getAccessToken();
      return { session: active(subject, { token }) };
    } catch (error) {
      return failed(subject, error);
    }
  }

  async api({ client, subject }, url) {
    try {
      const { status } = await client.request({ url });
      return { session: active(subject, { token: client.credentials.access_token }), status };
    } catch (error) {
      if (error.config?.url.href !== url) return failed(subject, error);
      return { session: active(subject, { token: client.credentials.access_token }), status: error.response?.status };
    }
  }

  async signOut({ client }) {
    try {
      await client.revokeCredentials();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      log(error);
    }
  }

  save({ subject, tokens }) {
    return JSON.stringify({ subject, tokens });
  }

  load(saved) {
    const user = Object.assign(this.#user(), JSON.parse(saved));
    user.client.setCredentials({ ...user.tokens });
    return user;
  }

  /** A user, and what the application stores of the tokens: always the most recent ones, by the `tokens` event. */
  #user() {
    const user = { client: new OAuth2Client(this.options), subject: undefined, tokens: {} };
    user.client.on("tokens", (tokens) => {
      const refreshToken = tokens.refresh_token || user.tokens.refresh_token;
      user.tokens = { ...tokens, refresh_token: refreshToken };
    });
    return user;
  }
}

function failed(subject, error) {
  if (!isRefusal(error)) throw error;
  log(error);
  return { session: active(subject, { error: error.constructor.name }) };
}

serve(App, {
  adapter: "google-auth-library 1",
  target: {
    name: "google-auth-library",
    version,
    homepage: "https://github.com/googleapis/google-cloud-node/tree/main/core/packages/google-auth-library-nodejs",
  },
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
    "revocation",
    "logs",
  ],
  errors: { RefreshTokenError: ["GaxiosError", "Error"] },
});
