/** What Docker checks only when it makes or starts the container: capabilities, security options, resource limits. */
import type { Ulimit } from '../../lib/documents/types';
import { nearestName } from '../../lib/nearest';
import { isMap } from '../../lib/yaml/fields';
import { ULIMIT_KEYS } from './container-keys';
import type { Parsed, Reader } from './read';

/** capabilities(7), as of Linux 6.x. */
const CAPABILITIES =
  'ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM'.split(
    ' ',
  );
/** setrlimit(2). */
const ULIMITS = 'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
  ' ',
);

export function parseCapability(text: string): Parsed<string> {
  const name = text.toUpperCase().replace(/^CAP_/, '');
  if (CAPABILITIES.includes(name)) return text;
  return { problem: `"${text}" is no capability${meant(name, CAPABILITIES)}; write NET_ADMIN, SYS_TIME, … or ALL` };
}

export function parseSecurityOption(text: string): Parsed<string> {
  const [, name = '', value = ''] = /^([^=:]+)(?:[=:]([\s\S]*))?$/.exec(text) ?? [];
  if (name === 'no-new-privileges' && ['', 'true', 'false'].includes(value)) return text;
  if ((name === 'apparmor' || name === 'label') && value !== '') return text;
  if (name === 'seccomp')
    return value === 'unconfined' || value.startsWith('{')
      ? text
      : { problem: `"${text}": hosts do not have the file; write seccomp=unconfined, or the profile itself as JSON` };
  return {
    problem: `"${text}" is no option that Docker's API takes; write no-new-privileges:false, apparmor=…, label=… or seccomp=…`,
  };
}

export function readUlimits(reader: Reader): readonly Ulimit[] {
  if (!reader.isSet) return [];
  if (!isMap(reader.value)) return reader.wrong('a map of limits is wanted, e.g. nofile: 65536') ?? [];
  return Object.keys(reader.value).flatMap((name) => readUlimit(name, reader.at(name)));
}

function readUlimit(name: string, entry: Reader): readonly Ulimit[] {
  if (!ULIMITS.includes(name)) {
    entry.problems.addKey(
      'bad-value',
      entry.path,
      `"${name}" is no limit${meant(name, ULIMITS)}; there are ${ULIMITS.join(', ')}`,
    );
    return [];
  }
  const both = isMap(entry.value) ? entry.fields(ULIMIT_KEYS) : undefined;
  const limit = (reader: Reader): number | undefined => reader.integer(-1, Number.MAX_SAFE_INTEGER);
  if (both === undefined) {
    if (!entry.isSet) entry.wrong('a number, or soft and hard, is wanted');
    const one = limit(entry);
    return one === undefined ? [] : [{ name, soft: one, hard: one }];
  }
  for (const key of ['soft', 'hard'])
    if (!both.at(key).isSet) both.missing(key, `${key} is missing; soft and hard are both wanted`);
  const [soft, hard] = [limit(both.at('soft')), limit(both.at('hard'))];
  if (soft === undefined || hard === undefined) return [];
  // -1 is unlimited.
  if (hard !== -1 && (soft === -1 || soft > hard))
    both.at('soft').bad(`the soft limit ${soft} is over the hard one, ${hard}`);
  return [{ name, soft, hard }];
}

function meant(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
}
