// Which moment is shown.
//
//   "live"    follows the newest moment; only where something still happens
//   "play"    runs on from where it is, at `rate`
//   "pause"   stands still where somebody put it
//
// Messages come a few times a second.  Between two of them the newest moment runs on by itself, and
// it stays `lag` behind, so that an event has arrived by the time it is due to be drawn.
// Where time is virtual, `speed` of its seconds pass in one of the page's; it is 1 elsewhere.
// `ms` is the page's own clock (performance.now()), handed in; everything else is in the seconds of
// the record.  Nothing here draws.

export const LAG = 0.2;
const AHEAD = 0.6;        // s that the newest moment runs on without a message: then one is late
const JUMP = 1.5;         // s: who is so far behind does not hurry, but jumps

export class Clock {
  constructor(record, alive) {
    this.alive = alive;               // whether news may come: false for a saved page
    this.mode = alive ? "live" : "pause";
    this.rate = 1;
    this.speed = 1;
    this.lag = LAG;
    this.virtual = false;             // a page that plays time itself never runs ahead of it
    this.begin(record, record.end, 0);
  }

  // Another record, told up to `now`.
  begin(record, now, ms) {
    this.record = record;
    this.edge = { now, ms, ahead: AHEAD };
    this.at = this.alive ? Math.max(record.start, now - this.lag) : record.start;
  }

  // It has been told what happened up to `now`; a clock that stands still comes no further.
  told(now, ms, still = false) {
    const since = now === this.edge.now ? this.edge.ms : ms;
    this.edge = { now, ms: since, ahead: still || this.virtual ? this.lag : AHEAD };
  }

  // Virtual time that comes to a stop has no more to say: what it was told is shown to its end.
  stop(now, ms) {
    this.edge = { now, ms: ms - this.lag * 1000, ahead: this.lag };
  }

  // What was done in virtual time is shown at once; the moment then stands still until it lags again.
  reach(now, ms) {
    this.stop(now, ms);
    if (this.mode === "live") this.at = now;
  }

  newest(ms) {
    if (!this.alive) return this.record.end;
    const since = Math.min(this.edge.ahead, (ms - this.edge.ms) / 1000);
    return Math.max(this.record.start, this.edge.now + (since - this.lag) * this.speed);
  }

  follow(ms) {
    this.mode = this.alive ? "live" : "play";
    if (!this.alive) return;
    this.rate = this.speed;
    this.at = this.newest(ms);
  }

  // Pause, or go on; at the end of a saved page (as near as the slider comes): from its beginning.
  toggle(ms) {
    if (this.mode !== "pause") { this.mode = "pause"; return; }
    if (!this.alive && this.at >= this.newest(ms) - 0.1) this.at = this.record.start;
    this.mode = "play";
  }

  // How fast virtual time passes from now on.
  hurry(speed) {
    this.speed = this.rate = speed;
  }

  slow(rate) {
    this.rate = rate;
    if (this.mode === "live" && rate !== 1) this.mode = "play";
  }

  seek(t, ms) {
    this.mode = "pause";
    this.at = Math.min(Math.max(t, this.record.start), this.newest(ms));
  }

  // Whether this is now, then, or a recording.
  words(newest, replay) {
    if (!this.alive) return "REPLAY";
    if (this.mode === "live") return replay ? "REPLAY" : "LIVE";
    return `${this.mode === "pause" ? "PAUSED" : "PLAYING"}, ${(newest - this.at).toFixed(1)} s ago`;
  }

  // `passed` seconds have passed on the page.
  tick(passed, ms) {
    const newest = this.newest(ms);
    if (this.mode === "live") {
      const behind = newest - this.at;
      if (behind > JUMP * this.speed || (behind < 0 && !this.virtual)) this.at = newest;
      else if (behind > 0) this.at += behind * Math.min(1, passed * 12);
    } else if (this.mode === "play") {
      this.at += passed * this.rate;
      if (this.at >= newest) {
        this.at = newest;
        if (!this.alive) this.mode = "pause";
        else if (this.rate === this.speed) this.mode = "live";
      }
    }
    this.at = Math.max(this.at, this.record.start);
    return newest;
  }
}
