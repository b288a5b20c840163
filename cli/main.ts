/** Entry of the program `berth`. Nothing heavy is loaded before a command needs it. */
import { run } from './program';

void run(process.argv).then((code) => {
  process.exitCode = code;
});
