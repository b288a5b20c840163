/** Entry of the program `berth`. Nothing heavy is loaded before a command needs it. */
import { endOnBrokenPipe } from './output/broken-pipe';
import { run } from './program';

endOnBrokenPipe();

void run(process.argv).then((code) => {
  process.exitCode = code;
});
