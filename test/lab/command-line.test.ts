import { CommandLineError, readCommandLine } from './command-line';
import { DEFAULTS } from './lab';

const read = (line: string): unknown => readCommandLine(line.split(' ').filter((word) => word !== ''));

test.each<[string, unknown]>([
  ['', { verb: 'help' }],
  ['kill --help', { verb: 'help' }],
  ['up', { verb: 'up', options: DEFAULTS, owner: undefined }],
  [
    `up 5 --etcd 3 --coordinators 2 --lease-ttl 2s --owner ${process.pid}`,
    { verb: 'up', options: { hosts: 5, etcd: 3, coordinators: 2, leaseTtl: '2s' }, owner: process.pid },
  ],
  ['down', { verb: 'down', lab: undefined }],
  ['status --json --lab 3', { verb: 'status', lab: 3, isJson: true }],
  ['cut-off h1 e2', { verb: 'do', lab: undefined, verbs: ['h1', 'e2'].map((name) => ({ verb: 'cut-off', name })) }],
  [
    'slow h1 --delay 0.1s --loss 2.5% --rate 1mbit',
    {
      verb: 'do',
      lab: undefined,
      verbs: [{ verb: 'slow', name: 'h1', slowness: { delayMs: 100, lossPercent: 2.5, rateKbit: 1000 } }],
    },
  ],
  ['kill host h2', { verb: 'do', lab: undefined, verbs: [{ verb: 'kill', target: 'host', name: 'h2' }] }],
  [
    'start engine h2 --live-restore --no-wait',
    {
      verb: 'do',
      lab: undefined,
      verbs: [{ verb: 'start', target: 'engine', name: 'h2', options: { liveRestore: true, wait: false } }],
    },
  ],
])('%s', (line, wanted) => {
  expect(read(line)).toEqual(wanted);
});

test.each<[string, string]>([
  ['explode h1', 'there is no verb "explode"'],
  ['up three', 'the number of hosts is a whole number, not "three"'],
  ['up 0', 'the number of hosts is 1 to 50'],
  ['up 3 4', 'up takes one number of hosts'],
  ['up --etcd 2', 'the number of etcd members is one of 1, 3, 5'],
  ['up --coordinators 10', 'the number of coordinators is 1 to 9'],
  ['up --lease-ttl soon', '--lease-ttl is written as 5s'],
  ['up --owner 999999999', '--owner: there is no process 999999999'],
  ['up --lab 3', 'up takes no --lab'],
  ['up --json', 'up takes no --json'],
  ['up --hosts 3', "Unknown option '--hosts'"],
  ['down h1', 'down takes no "h1"'],
  ['status --lab x', '--lab is a whole number, not "x"'],
  ['cut-off', 'write: cut-off <name>'],
  ['slow h1', 'slow needs one or more of'],
  ['slow h1 --delay 100', '--delay is written as 100ms, not "100"'],
  ['slow h1 --loss 101%', '--loss is 100% at most'],
  ['slow h1 --rate 0kbit', '--rate is written as 256kbit, not "0kbit"'],
  ['kill h2', 'write: kill host|engine|agent|etcd|coordinator <name>'],
  ['kill disk h2', 'kill is for one of host, engine, agent, etcd, coordinator, not "disk"'],
  ['stop host h2', 'stop is for one of engine, agent, etcd, coordinator, not "host"'],
])('%s: %s', (line, reason) => {
  expect(() => read(line)).toThrow(CommandLineError);
  expect(() => read(line)).toThrow(reason);
});
