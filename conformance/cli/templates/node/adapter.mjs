// Lets Regrant drive application.mjs: one JSON object a line comes in, one goes out. Little of this has to change.

import { createInterface } from "node:readline";
import { Application, RefreshError, User } from "./application.mjs";

const HELLO = {
  protocol: 1,
  adapter: "my-adapter 1.0.0",
  // REPLACE: what is tested, as it shall be called in reports.
  target: { name: "my-application", version: "0.0.0", language: "JavaScript" },
  // REPLACE: leave out what your application cannot do, add what it can. What is not claimed is not judged.
  claims: [
    "sign_in", "sign_out", "session.error", "session.access_token", "session.concurrent",
    "refresh.on_session", "refresh.on_api", "clock.set", "actors.tab", "restart", "logs",
  ],
  // REPLACE: the names by which your application says that a refresh has failed.
  errors: { RefreshTokenError: ["RefreshError"] },
};

let application, begun, clock, browsers;

/** REPLACE: let your library read this clock in place of the system's, for example by replacing Date.now. */
const now = () => clock ?? Date.now();

/** The browser of an actor; two tabs are one browser. */
function browser(actor) {
  if (!browsers.has(actor)) browsers.set(actor, { user: null });
  return browsers.get(actor);
}

/** What makes and moves the application. */
const runner = {
  hello: () => HELLO,

  start(request) {
    begun = request;
    clock = request.clock === "set" ? request.now_ms : undefined;
    browsers = new Map();
    application = new Application(request.provider, request.scopes, now);
  },

  clock(request) {
    if (clock !== undefined) clock = request.now_ms;
    return { now_ms: now() };
  },

  second({ of, actor, kind }) {
    if (kind !== "tab") throw new Unsupported();
    browsers.set(actor, browser(of));
  },

  /** REPLACE: throw your library's objects away, and make them anew from what the application has stored. */
  restart({ keep }) {
    application = new Application(begun.provider, begun.scopes, now);
    for (const one of browsers.values()) {
      const stored = one.user && keep === "store" ? JSON.stringify(one.user.saved) : null;
      one.user = stored && new User(JSON.parse(stored));
    }
  },

  logs: () => ({ lines: [] }), // All that is printed to stderr is read anyway.

  stop() {
    application = browsers = undefined;
  },
};

/** What users do. */
const users = {
  async sign_in(request, browser) {
    browser.user = await application.signIn();
    return users.session(request, browser);
  },

  async session(_, { user }) {
    if (!user) return { session: { state: "signed_out" } };
    const session = { state: "active", subject: user.saved.subject };
    try {
      session.access_token = await application.accessToken(user);
    } catch (error) {
      if (!(error instanceof RefreshError)) throw error;
      session.error = "RefreshError";
    }
    return { session };
  },

  async api(request, browser) {
    const { session } = await users.session(request, browser);
    if (!session.access_token) return { session };
    return { session, status: await application.api(session.access_token, request.url) };
  },

  async sign_out(request, browser) {
    browser.user = null;
    return users.session(request, browser);
  },
};

class Unsupported extends Error {}

/** How a request went. Of what users do an error is the application's own, of the rest it is the adapter's. */
async function perform(request) {
  const verb = request.regrant;
  try {
    if (Object.hasOwn(users, verb)) return { ok: await users[verb](request, browser(request.actor)) };
    if (Object.hasOwn(runner, verb)) return { ok: runner[verb](request) ?? {} };
    throw new Unsupported();
  } catch (error) {
    if (error instanceof Unsupported) return { no: { reason: "unsupported" } };
    return { [Object.hasOwn(users, verb) ? "threw" : "broken"]: { message: `${error.name}: ${error.message}` } };
  }
}

// No request waits for the one before.
createInterface({ input: process.stdin }).on("line", async (line) => {
  const request = JSON.parse(line);
  const answer = { regrant: "answer", id: request.id, ...(await perform(request)) };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
