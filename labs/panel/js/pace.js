// How often a panel is drawn: 30 times a second, a LAN in this page with every frame, and less often
// where drawing is slow.  What comes from the lab would wait behind the drawings otherwise, and the
// panel would fall further and further behind.

const FRAME = 33;             // ms between two drawings
const REST = 4;               // so many times what a drawing took is left to the rest of the page
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
