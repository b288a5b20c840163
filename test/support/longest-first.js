const { default: Sequencer } = require('@jest/test-sequencer');

/** Minutes each, in short files. */
const LONG = /\/test\/(simulation\/(cluster|host)-life|acceptance\/agent-faults)\.test\.ts$/;

/**
 * The order of jest, but for what is known to be long: that begins first. Without the times of an earlier run jest begins with
 * the largest files; the longest tests came last, one alone, in a process that was full of what others had left behind.
 */
module.exports = class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isLong = ({ path }) => LONG.test(path);
    return [...sorted.filter(isLong), ...sorted.filter((one) => !isLong(one))];
  }
};
