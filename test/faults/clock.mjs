// Preloaded by replicas: their clock shows another time as soon as the file of FAULTS_CLOCK says by how many
// milliseconds, and SIGUSR2 comes. Timers go on as they are, as they do on Linux when a clock is set.
import { readFileSync } from 'node:fs';

const RealDate = Date;
let offsetMs = 0;

// From the beginning, for those who keep a reference to Date.now.
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) {
      super(RealDate.now() + offsetMs);
    } else {
      super(...args);
    }
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};

process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(process.env.FAULTS_CLOCK, 'utf8'));
});
