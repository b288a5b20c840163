import { createFakeDiscovery, fakeEndpoint } from '../../test/support/fake-discovery';
import type { KnownService } from '../discovery/discovery';
import { createParser, MAX_SERVICES } from './liquid';
import { hostView, ServiceViews } from './view';

const parse = createParser();

const discovery = createFakeDiscovery();
const ports = { metrics: 9100, http: 8080 };
discovery.set('web', [
  fakeEndpoint('web-1-aaaa', { port: 8080, ports, labels: { zone: 'a' }, isStale: true, release: 7 }),
  fakeEndpoint('web-2-bbbb', { labels: { zone: 'b', disk: 'ssd' }, weight: 50 }),
]);
discovery.set('my-api', []);
for (const name of ['size', 'first', 'last', 'ask']) discovery.set(name, [fakeEndpoint(`${name}-1-aaaa`)]);
const host = hostView({ name: 'h1', address: '10.0.0.1', labels: { zone: 'a' } });
const views = new ServiceViews();

function known(name: string): KnownService {
  const service = discovery.service(name);
  if (service instanceof Promise) throw new Error(`${name} is not known`);
  return service;
}

function render(text: string): string {
  return parse(text).render({ host, service: (name) => views.of(known(name)) });
}

test.each([
  [
    'every field',
    '{% for e in services.web %}{{ e.instance }} {{ e.slot }} {{ e.host }} {{ e.host_name }} {{ e.port }} {{ e.ports.http }} ' +
      '{{ e.release }} {{ e.labels.zone }} {{ e.zone }} {{ e.weight }} {{ e.stale }}\n{% endfor %}',
    'web-1-aaaa 1 10.0.0.1 h1 8080 8080 7 a a 100 true\nweb-2-bbbb 2 10.0.0.2 h2 31002 31002 1 b b 50 false\n',
  ],
  ['the host', '{{ host.name }} {{ host.address }} {{ host.zone }} {{ host.labels.zone }}', 'h1 10.0.0.1 a a'],
  ['a name with a dash', '{{ services.my-api.size }} {{ services["my-api"] | size }}', '0 0'],
  [
    'services named as what Liquid knows of lists',
    '{% assign names = "size first last ask" | split: " " %}{% for name in names %}{{ services[name][0].instance }} {% endfor %}',
    'size-1-aaaa first-1-aaaa last-1-aaaa ask-1-aaaa ',
  ],
  ['an address and a port', '{{ services.web[0].host | with_port: services.web[0].ports.http }}', '10.0.0.1:8080'],
  [
    'an address of IPv6 and a port',
    '{{ "fd00::2" | with_port: 8080 }} {{ "fd00::2" | with_port: "80" }}',
    '[fd00::2]:8080 [fd00::2]:80',
  ],
  ['a name in a variable', '{% assign name = "web" %}{{ services[name].size }}', '2'],
  [
    'ports in order',
    '{% for port in services.web[0].ports %}{{ port[0] }}={{ port[1] }} {% endfor %}',
    'http=8080 metrics=9100 ',
  ],
  [
    'a label that one has and the other not',
    '{% for e in services.web %}{{ e.labels.disk | default: "none" }}{% if e.labels.disk %}!{% endif %} {% endfor %}',
    'none ssd! ',
  ],
  ['those of the own zone', '{{ services.web | where: "zone", host.zone | map: "instance" | join }}', 'web-1-aaaa'],
  ['no service at all', 'plain', 'plain'],
])('%s', (_, text, made) => {
  expect(render(text)).toBe(made);
});

test.each<[string, string, RegExp]>([
  ['an empty template', ' \n', /the template is empty/],
  [
    'a slip in a field',
    'a\n{{ services.web[0].prots.http }}',
    /undefined variable: services\.web\.0\.prots, line:2, col:4; what may be missing is written with \| default: "none"$/,
  ],
  ['a port that it has not', '{{ services.web[0].ports.grpc }}', /undefined variable: .*ports\.grpc/],
  ['an unknown filter', '{{ host.name | shout }}', /undefined filter: shout, line:1/],
  ['a tag that is not closed', '{% for e in services.web %}', /not closed/],
  ['half a tag', 'server {{ host.na', /not closed/],
  [
    'a port that it has not, joined',
    '{{ host.address | with_port: services.web[0].ports.grpc }}',
    /undefined variable/,
  ],
  ['no port at all', '{{ host.address | with_port }}', /with_port wants the number of a port/],
  ['an address that is none', '{{ 80 | with_port: 80 }}', /with_port is for an address/],
  ['what is no name', '{{ services.Web }}', /"Web" is no name of a service/],
  ['all services', '{% for s in services %}{% endfor %}', /services is no list: name the ones you want/],
  ['another file', '{% include "/etc/passwd" %}', /Failed to lookup/],
  ['another file, rendered', '{% render "passwd" %}', /Failed to lookup/],
  ['a text that fills the memory', '{% for i in (1..100000000) %}x{% endfor %}', /memory alloc limit exceeded/],
  [
    'a rendering without end',
    '{% for i in (1..100000) %}{% for j in (1..100000) %}{% endfor %}{% endfor %}',
    /template render limit exceeded/,
  ],
  [
    'more services than the limit',
    `{% for i in (0..${MAX_SERVICES}) %}{{ services[i].size }}{% endfor %}`,
    /asks for more than/,
  ],
])('%s is refused', (_, text, why) => {
  for (let i = 0; i <= MAX_SERVICES; i++) discovery.set(String(i), []);
  expect(() => render(text)).toThrow(why);
});

test('a service that has not changed looks the same object to every template', () => {
  const web = known('web');
  expect(views.of(web)).toBe(views.of(web));
});
