/**
 * The adapter protocol for Node: what the adapters in the folders beside this one share.
 *
 * An adapter defines an application class and calls `serve` with it. All methods but the constructor may be async:
 *
 *     class App {
 *       constructor(provider, scopes) {}  // a process that has just started
 *       signIn() {}                       // gives { user, session }: who has signed in, any object, and `active(…)`
 *       session(user) {}                  // gives { session }
 *       api(user, url) {}                 // gives { session, status }, without status where no call was made
 *       signOut(user) {}                  // when the browser has forgotten the user
 *       save(user) {}                     // what is stored of the user, as text
 *       load(saved) {}                    // the user after a restart, from what was stored
 *     }
 *
 * Nothing here knows a library: requests come in, none waits for the one before, as in any web server, and answers go
 * out.
 */

import { createInterface } from "node:readline";

export const REDIRECT_URI = "http://127.0.0.1/callback";

/** A session that is signed in, as the application shows it. */
export function active(subject, { token, error }) {
  // Whatever a library takes for a token, a header would carry as text.
  return { state: "active", subject, access_token: token == null ? undefined : String(token), error };
}

/** The user's browser: follows the provider's redirects up to the application's own address, and gives that. */
export async function browse(url) {
  for (let hops = 0; hops < 5; hops += 1) {
    const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(10_000) });
    await answer.body?.cancel();
    if (!answer.headers.has("location")) throw new Error(`the authorization page answered ${answer.status}`);
    url = new URL(answer.headers.get("location"), url);
    if (url.href.startsWith(REDIRECT_URI)) return url;
  }
  throw new Error("the authorization page redirects without end");
}

/** Stops `Date` at an instant; timers, time-outs and the monotonic clock stay real. */
const clock = {
  RealDate: Date,

  set(now) {
    globalThis.Date = new Proxy(this.RealDate, {
      apply: (RealDate) => new RealDate(now).toString(),
      construct: (RealDate, given, target) => Reflect.construct(RealDate, given.length ? given : [now], target),
      get: (RealDate, name) => (name === "now" ? () => now : RealDate[name]),
    });
  },

  release() {
    globalThis.Date = this.RealDate;
  },
};

class Unsupported extends Error {}

/** The application under remote control, and the answers that are still owed. */
class Adapter {
  #browsers = new Map(); // of an actor: who is signed in there. Two tabs are one browser.
  #owed = new Set();

  constructor(App, hello) {
    Object.assign(this, { App, hello });
  }

  async take(request) {
    this.#owed.add(request.id);
    const [performer, failed] = Object.hasOwn(USES, request.regrant) ? [this.#use, "threw"] : [this.#arrange, "broken"];
    try {
      this.#answer(request.id, { ok: (await performer.call(this, request)) ?? {} });
    } catch (error) {
      if (error instanceof Unsupported) this.#answer(request.id, { no: { reason: error.message } });
      else this.#answer(request.id, { [failed]: { message: `${error?.constructor?.name}: ${error?.message}` } });
    }
  }

  /** What users do. An error is the application's own. */
  #use(request) {
    return USES[request.regrant](this.app, this.#browser(request.actor), request);
  }

  /** What only moves the application's surroundings. An error is the adapter's. */
  #arrange(request) {
    if (!Object.hasOwn(ARRANGEMENTS, request.regrant)) throw new Unsupported("there is no such verb");
    return this[ARRANGEMENTS[request.regrant]](request);
  }

  #browser(actor) {
    if (!this.#browsers.has(actor)) this.#browsers.set(actor, { user: null });
    return this.#browsers.get(actor);
  }

  sayHello() {
    return this.hello;
  }

  start({ provider, scopes, clock: moved, now_ms }) {
    if (moved === "set") clock.set(now_ms);
    else clock.release();
    this.newApp = () => new this.App(provider, scopes);
    this.app = this.newApp();
    this.#browsers.clear();
  }

  moveClock({ now_ms }) {
    clock.set(now_ms);
    return { now_ms: Date.now() };
  }

  second({ of, actor, kind }) {
    if (kind !== "tab") throw new Unsupported("there are no cookies to copy");
    this.#browsers.set(actor, this.#browser(of));
  }

  /** As when a browser hangs up: nobody waits any more, and the work goes on. */
  cancel({ of }) {
    this.#answer(of, { ok: {} });
  }

  async restart({ keep }) {
    const [before, app] = [this.app, this.newApp()];
    const renewed = new Map();
    for (const [actor, old] of this.#browsers) {
      if (!renewed.has(old)) {
        const kept = keep === "store" && old.user;
        renewed.set(old, { user: kept ? await app.load(await before.save(old.user)) : null });
      }
      this.#browsers.set(actor, renewed.get(old));
    }
    this.app = app;
  }

  logs() {
    return { lines: [] }; // They are on stderr.
  }

  stop() {
    this.app = null;
    this.#browsers.clear();
  }

  /** Writes one line, unless the request has been answered by a cancel. */
  #answer(id, outcome) {
    if (this.#owed.delete(id)) process.stdout.write(`${JSON.stringify({ regrant: "answer", id, ...outcome })}\n`);
  }
}

const SIGNED_OUT = { session: { state: "signed_out" } };

const USES = {
  async sign_in(app, browser) {
    const { user, session } = await app.signIn();
    browser.user = user;
    return { session };
  },
  session: (app, { user }) => (user ? app.session(user) : SIGNED_OUT),
  api: (app, { user }, { url }) => (user ? app.api(user, url) : SIGNED_OUT),
  async sign_out(app, browser) {
    const { user } = browser;
    browser.user = null;
    if (user) await app.signOut(user);
    return SIGNED_OUT;
  },
};

const ARRANGEMENTS = {
  hello: "sayHello",
  start: "start",
  clock: "moveClock",
  second: "second",
  cancel: "cancel",
  restart: "restart",
  logs: "logs",
  stop: "stop",
};

/** Reads requests until there are no more. */
export function serve(App, { adapter, target, claims, errors }) {
  const hello = { protocol: 1, adapter, target: { language: "JavaScript", ...target }, claims, errors };
  const remote = new Adapter(App, hello);
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => remote.take(JSON.parse(line)));
  lines.on("close", () => process.exit()); // Whatever the library is still waiting for.
}
