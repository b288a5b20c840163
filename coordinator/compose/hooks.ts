/** post_start and pre_stop: commands that are run in a running container. */
import type { Hook } from '../../lib/documents/types';
import { HOOK_KEYS } from './container-keys';
import type { Reader } from './read';
import { parseUser } from './user';
import { parseWorkingDir } from './working-dir';
import { readWords } from './words';

/** They run one after another, each with a deadline; the label that remembers them is bounded too. */
const MAX_HOOKS = 16;

export function readHooks(reader: Reader, noValue: string): readonly Hook[] {
  const items = reader.items();
  if (items.length > MAX_HOOKS) reader.outOfRange(`there are more than ${MAX_HOOKS} hooks; put them into one script`);
  return items.slice(0, MAX_HOOKS).flatMap((item) => {
    const fields = item.fields(HOOK_KEYS);
    if (fields === undefined) {
      if (!item.isSet) item.wrong('a map of settings is wanted');
      return [];
    }
    const command = readWords(fields.at('command'));
    if (!fields.at('command').isSet) fields.missing('command', 'command is missing: what to run');
    else if (command.length === 0) fields.at('command').bad('the command is empty; write what to run');
    return [
      {
        command,
        user: fields.at('user').parse(parseUser) ?? '',
        privileged: fields.at('privileged').bool() ?? false,
        workingDir: fields.at('working_dir').parse(parseWorkingDir) ?? '',
        environment: fields.at('environment').textMap({ noValue }),
      },
    ];
  });
}
