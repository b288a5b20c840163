import { asEngineError, readTakenPort } from './errors';

test.each<[string, string, number | undefined, string | undefined]>([
  ['20.10, a container has it', 'Bind for 0.0.0.0:8080 failed: port is already allocated', 8080, undefined],
  ['20.10, IPv6', 'Bind for :::8080 failed: port is already allocated', 8080, undefined],
  [
    '20.10, a process has it',
    'Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use',
    80,
    'tcp',
  ],
  ['20.10, a process has it, udp', 'listen udp 0.0.0.0:53: bind: address already in use', 53, 'udp'],
  ['20.10, an address of its own', 'listen tcp 127.0.0.1:80: bind: address already in use', 80, 'tcp'],
  ['IPv6', 'listen tcp6 [::]:80: bind: address already in use', 80, 'tcp'],
  ['28', 'failed to bind host port for 0.0.0.0:8080:172.18.0.2:80/tcp: address already in use', 8080, 'tcp'],
  ['28, IPv6', 'failed to bind host port for [::]:8080:172.18.0.2:80/udp: address already in use', 8080, 'udp'],
  ['28.3', 'failed to bind host port 0.0.0.0:8080/tcp: address already in use', 8080, 'tcp'],
  ['no port in it', 'ports are not available', undefined, undefined],
])('which port is taken: %s', (_, message, port, protocol) => {
  expect(readTakenPort(message)).toEqual({ ...(port && { port }), ...(protocol && { protocol }) });
  expect(asEngineError({ statusCode: 500, message }).code).toBe('port-taken');
});

test.each([
  [
    '(HTTP code 500) server error - Get "https://registry.example.com/v2/": EOF',
    'Get "https://registry.example.com/v2/": EOF',
  ],
  [
    'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "no": executable file not found in $PATH: unknown',
    'exec: "no": executable file not found in $PATH',
  ],
  [
    'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "no": executable file not found in $PATH: unknown',
    'exec: "no": executable file not found in $PATH',
  ],
  [
    'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "no": executable file not found in $PATH',
    'exec: "no": executable file not found in $PATH',
  ],
  [
    'OCI runtime exec failed: exec failed: unable to start container process: exec: "/no": stat /no: no such file or directory: unknown',
    'exec: "/no": stat /no: no such file or directory',
  ],
])('the names of what carried the message are left out: %s', (message, words) => {
  expect(asEngineError({ statusCode: 500, message }).message).toBe(words);
});
