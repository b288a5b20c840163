import { systemClock } from './clock';

test('what is further away than a timer can count does not come at once', async () => {
  let isWoken = false;
  const cancel = systemClock.after(365 * 24 * 3_600_000, () => (isWoken = true));
  await new Promise((later) => setTimeout(later, 50));
  cancel();
  expect(isWoken).toBe(false);
});
