// What this process knows about refresh tokens: the refresh that is under way with one, and for a while how it ended.
// Cookies are copied, late and lost; whoever comes with a refresh token that was used a moment ago gets the same outcome.

const KEPT_MS = 5 * 60_000;
const KEPT_MOST = 10_000;

export class Memory {
  #entries = new Map();

  /** How the last refresh with this token ended, if it has. */
  outcome(refreshToken) {
    return this.#entries.get(refreshToken)?.outcome;
  }

  /** The refresh that is under way with this token, if one is. */
  underWay(refreshToken) {
    const entry = this.#entries.get(refreshToken);
    return entry && !entry.outcome ? entry.promise : undefined;
  }

  /** Joins the refresh that is under way with this token, or starts one. `work` has to end with an outcome, not throw. */
  share(refreshToken, work) {
    return this.underWay(refreshToken) ?? this.#start(refreshToken, work);
  }

  #start(refreshToken, work) {
    this.#forgetTheOld();
    // The monotonic clock: a corrected wall clock makes nothing older or younger.
    const entry = { since: performance.now() };
    this.#entries.delete(refreshToken);
    this.#entries.set(refreshToken, entry);
    entry.promise = work().then((outcome) => (entry.outcome = outcome));
    return entry.promise;
  }

  #forgetTheOld() {
    for (const [refreshToken, { since }] of this.#entries) {
      if (performance.now() - since < KEPT_MS && this.#entries.size < KEPT_MOST) return;
      this.#entries.delete(refreshToken);
    }
  }
}
