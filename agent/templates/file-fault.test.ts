import { destFault, sourceFault } from './file-fault';

const fault = (code: string, message = `${code}: said by the system, open '/etc/p/.a.cfg.berth-new'`): Error =>
  Object.assign(new Error(message), { code });

test.each([
  ['ENOENT', 'its folder is not there; make it: mkdir -p /etc/p'],
  ['ENOTDIR', '/etc/p is no folder'],
  ['EISDIR', 'it is a folder; name the file in it'],
  [
    'EROFS',
    '/etc/p is read-only for the agent (EROFS). Under systemd let it write there: "systemctl edit berth-agent", ' +
      '[Service], ReadWritePaths=-/etc/p, then "systemctl restart berth-agent"',
  ],
  ['EACCES', "the agent may not write in /etc/p: EACCES: said by the system, open '/etc/p/.a.cfg.berth-new'"],
  ['ENOSPC', 'no space is left in /etc/p (ENOSPC)'],
  ['EMFILE', "EMFILE: said by the system, open '/etc/p/.a.cfg.berth-new'"],
])('%s of a rendered file', (code, told) => expect(destFault(fault(code), '/etc/p/a.cfg')).toBe(told));

test.each([
  ['ENOENT', 'there is no such file'],
  ['EACCES', 'the agent may not read it (EACCES)'],
  ['EISDIR', 'it is a folder; one file is wanted'],
  ['EIO', 'EIO'],
])('%s of a template', (code, told) => expect(sourceFault(fault(code, code))).toBe(told));

test('what has no code is told as it is: a slip in the template, an owner that is not there', () => {
  expect(destFault(new Error('there is no user "x"'), '/etc/a')).toBe('there is no user "x"');
  expect(sourceFault(new Error('undefined filter: shout, line:1'))).toBe('undefined filter: shout, line:1');
});
