import { parseEndpoints, resolveTarget } from './etcd3-endpoints';

test.each([
  [['http://10.0.0.1:2379'], 0, 'ipv4:10.0.0.1:2379'],
  [['10.0.0.1'], 5, 'ipv4:10.0.0.1:2379'],
  [['http://10.0.0.1:1', 'http://10.0.0.2:2', '10.0.0.3:3'], 1, 'ipv4:10.0.0.2:2,10.0.0.3:3,10.0.0.1:1'],
  [['http://[::1]:2379'], 0, 'ipv6:[::1]:2379'],
  [['http://10.0.0.1:1', 'http://[fd00::1]:2'], 0, 'ipv6:[::ffff:10.0.0.1]:1,[fd00::1]:2'],
])('%j from member %i on are %s', async (endpoints, first, target) => {
  expect(await resolveTarget(parseEndpoints(endpoints), first)).toBe(target);
});
