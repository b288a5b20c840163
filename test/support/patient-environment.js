/** Jest's own environment, where tests and hooks that say how long they may take may take BERTH_TEST_PATIENCE times as long. */
const { TestEnvironment } = require('jest-environment-node');

const PATIENCE = Number(process.env.BERTH_TEST_PATIENCE ?? 1);

module.exports = class PatientEnvironment extends TestEnvironment {
  /** Hooks begin once for each test: their time is counted up once. */
  patient = new WeakSet();

  handleTestEvent({ name, hook, test }) {
    const timed = name === 'hook_start' ? hook : name === 'test_fn_start' ? test : undefined;
    if (!timed?.timeout || this.patient.has(timed)) return;
    this.patient.add(timed);
    timed.timeout *= PATIENCE;
  }
};
