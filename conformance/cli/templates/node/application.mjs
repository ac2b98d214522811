// A tiny application that signs users in and keeps their tokens fresh.
//
// REPLACE: all of this file, by what your own application does with its library. adapter.mjs calls what it exports.

import { createHash, randomBytes } from "node:crypto";

const REDIRECT_URI = "http://127.0.0.1/callback"; // Nothing has to listen there.

/** How this application says that a refresh has failed. REPLACE: by your library's own error. */
export class RefreshError extends Error {}

/** Somebody who has signed in. REPLACE: `saved` by what your application stores, as its library gives it. */
export class User {
  refreshing = null;

  constructor(saved) {
    this.saved = saved;
  }
}

export class Application {
  constructor(provider, scopes, now) {
    Object.assign(this, provider, { scopes, now }); // endpoints, client, scopes, now
  }

  async signIn() {
    // REPLACE: the URL, the check of `state` and the exchange of the code, by your library's calls.
    const [state, verifier] = [randomBytes(16), randomBytes(48)].map((bytes) => bytes.toString("base64url"));
    const query = new URLSearchParams({
      response_type: "code",
      client_id: this.client.id,
      redirect_uri: REDIRECT_URI,
      scope: this.scopes.join(" "),
      state,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      access_type: "offline",
      prompt: "consent",
    });
    // This is the browser. The fake Google asks nothing and sends it back at once.
    const sent = await call(`${this.endpoints.authorization}?${query}`);
    const back = new URL(sent.headers.get("location")).searchParams;
    if (back.get("state") !== state || !back.has("code")) {
      throw new Error(`the sign-in was refused: ${back.get("error") ?? "wrong state"}`);
    }
    const code = { code: back.get("code"), code_verifier: verifier, redirect_uri: REDIRECT_URI };
    return new User(await this.#tokens({}, { grant_type: "authorization_code", ...code }));
  }

  async accessToken(user) {
    // REPLACE: by your library's call for a valid access token.
    if (this.now() >= user.saved.expiresAt) {
      // Of several requests at once only the first refreshes.
      user.refreshing ??= this.#refresh(user).finally(() => (user.refreshing = null));
      await user.refreshing;
    }
    return user.saved.accessToken;
  }

  async #refresh(user) {
    const refreshToken = user.saved.refreshToken;
    if (!refreshToken) throw new RefreshError("there is no refresh token");
    try {
      user.saved = await this.#tokens(user.saved, { grant_type: "refresh_token", refresh_token: refreshToken });
    } catch (error) {
      throw new RefreshError("the refresh has failed", { cause: error });
    }
  }

  async api(accessToken, url) {
    return (await call(url, { headers: { authorization: `Bearer ${accessToken}` } })).status;
  }

  /** Asks the token endpoint, and gives what is to be stored from now on. */
  async #tokens(saved, form) {
    const body = new URLSearchParams({ ...form, client_id: this.client.id, client_secret: this.client.secret });
    const response = await call(this.endpoints.token, { method: "POST", body });
    const answer = await response.json();
    const accessToken = text(answer.access_token);
    if (response.status !== 200 || !accessToken || answer.token_type.toLowerCase() !== "bearer") {
      throw new Error(`the token endpoint answered ${response.status}`);
    }
    return {
      accessToken,
      expiresAt: this.now() + 1000 * Number(answer.expires_in ?? 3600),
      refreshToken: text(answer.refresh_token) ?? saved.refreshToken, // Often left out.
      subject: saved.subject ?? subject(answer.id_token),
    };
  }
}

const text = (value) => (typeof value === "string" && value ? value : undefined);

/** It came straight from the provider, so the signature need not be checked (OpenID Connect Core, 3.1.3.7). */
const subject = (idToken) => JSON.parse(Buffer.from(idToken.split(".")[1], "base64url")).sub;

/** One HTTP request. Redirects are not followed. */
const call = (url, options) => fetch(url, { redirect: "manual", signal: AbortSignal.timeout(5000), ...options });
