// How often a panel is drawn: 30 times a second, a LAN in this page with every frame, and less often
// where drawing is slow.  Otherwise messages from the lab would wait for the drawings, and the panel
// would fall further and further behind the lab.

const FRAME = 33;             // ms between two drawings
const REST = 4;               // pause after a drawing, in multiples of the time that it took
const LONGEST_REST = 500;     // ms

export class Pace {
  constructor() {
    this.began = this.last = performance.now();
    this.rest = 0;
    this.channel = new MessageChannel();        // it answers when the browser has laid out and painted
    this.channel.port1.onmessage = () => {
      this.rest = Math.min(LONGEST_REST, REST * (performance.now() - this.began));
    };
  }

  // Calls `draw` with the time since the last drawing (s), if it is time for one at `now` (ms).
  draw(now, virtual, draw) {
    if (now - this.last < (virtual ? 0 : Math.max(FRAME, this.rest))) return;
    this.began = performance.now();
    draw((now - this.last) / 1000);
    this.last = now;
    this.channel.port2.postMessage(null);
  }

  end() {
    this.channel.port1.close();
  }
}
