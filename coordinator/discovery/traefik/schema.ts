/**
 * Pure: what Traefik's dynamic configuration has, of what labels can say; versions 2 and 3. One field that Traefik does not
 * know, or one value that it can't read, and it takes nothing of the whole document.
 * https://doc.traefik.io/traefik/reference/dynamic-configuration/docker/
 */
export type Shape =
  /** "whole" is a number; "time" is Go's duration, or seconds; "list" is written with commas; "texts" have names of any kind. */
  | 'text'
  | 'whole'
  | 'flag'
  | 'time'
  | 'list'
  | 'texts'
  /** Whatever a plugin takes. */
  | 'free'
  | Fields
  | { readonly eachOf: Fields };

export interface Fields {
  readonly fields: Readonly<Record<string, Shape>>;
  /** The label "…=true" stands for it with nothing in it. Everything else without anything in it is an error to Traefik. */
  readonly mayBeEmpty?: true;
}

const of = (fields: Fields['fields']): Fields => ({ fields });
const orEmpty = (fields: Fields['fields']): Fields => ({ fields, mayBeEmpty: true });

function each<T extends Shape>(shape: T, ...names: readonly string[]): Readonly<Record<string, T>> {
  return Object.fromEntries(names.map((name) => [name, shape]));
}
const texts = (...names: readonly string[]) => each('text', ...names);
const flags = (...names: readonly string[]) => each('flag', ...names);
const wholes = (...names: readonly string[]) => each('whole', ...names);
const lists = (...names: readonly string[]) => each('list', ...names);

const TLS = {
  ...texts('options', 'certResolver'),
  domains: { eachOf: of({ main: 'text', sans: 'list' }) },
} satisfies Fields['fields'];
const IP_STRATEGY = orEmpty({ depth: 'whole', excludedIPs: 'list', ipv6Subnet: 'whole' });
const SOURCE_CRITERION = of({ ipStrategy: of(IP_STRATEGY.fields), requestHeaderName: 'text', requestHost: 'flag' });
const SUBJECT = ['country', 'province', 'locality', 'organization', 'commonName', 'serialNumber', 'domainComponent'];

const HTTP_ROUTER = of({
  ...lists('entryPoints', 'middlewares'),
  ...texts('service', 'rule', 'ruleSyntax'),
  priority: 'whole',
  tls: orEmpty(TLS),
  observability: of(flags('accessLogs', 'metrics', 'tracing')),
});

const HTTP_SERVICE = of({
  loadBalancer: of({
    sticky: orEmpty({
      cookie: orEmpty({
        ...texts('name', 'sameSite', 'path', 'domain'),
        ...flags('secure', 'httpOnly'),
        maxAge: 'whole',
      }),
    }),
    healthCheck: of({
      ...texts('scheme', 'mode', 'path', 'method', 'hostname'),
      ...wholes('port', 'status'),
      ...each('time', 'interval', 'timeout', 'unhealthyInterval'),
      followRedirects: 'flag',
      headers: 'texts',
    }),
    passHostHeader: 'flag',
    responseForwarding: of({ flushInterval: 'time' }),
    ...texts('serversTransport', 'strategy'),
    // Not in the document: what its servers are made from.
    server: of(texts('port', 'scheme')),
  }),
});

const HEADERS = of({
  ...each('texts', 'customRequestHeaders', 'customResponseHeaders', 'sslProxyHeaders'),
  ...lists('accessControlAllowHeaders', 'accessControlAllowMethods', 'accessControlAllowOriginList'),
  ...lists('accessControlAllowOriginListRegex', 'accessControlExposeHeaders', 'allowedHosts', 'hostsProxyHeaders'),
  ...wholes('accessControlMaxAge', 'stsSeconds'),
  ...flags('accessControlAllowCredentials', 'addVaryHeader', 'stsIncludeSubdomains', 'stsPreload', 'forceSTSHeader'),
  ...flags('frameDeny', 'contentTypeNosniff', 'browserXssFilter', 'isDevelopment'),
  ...flags('sslRedirect', 'sslTemporaryRedirect', 'sslForceHost'),
  ...texts('customFrameOptionsValue', 'customBrowserXSSValue', 'contentSecurityPolicy', 'publicKey', 'referrerPolicy'),
  ...texts('contentSecurityPolicyReportOnly', 'permissionsPolicy', 'featurePolicy', 'sslHost'),
});

const FORWARD_AUTH = of({
  ...texts('address', 'authResponseHeadersRegex', 'headerField'),
  tls: of({ ...texts('ca', 'cert', 'key'), ...flags('insecureSkipVerify', 'caOptional') }),
  ...lists('authResponseHeaders', 'authRequestHeaders', 'addAuthCookiesToResponse'),
  ...flags('trustForwardHeader', 'forwardBody', 'preserveLocationHeader', 'preserveRequestMethod'),
  maxBodySize: 'whole',
});

const HTTP_MIDDLEWARE = of({
  addPrefix: of(texts('prefix')),
  basicAuth: of({ users: 'list', ...texts('usersFile', 'realm', 'headerField'), removeHeader: 'flag' }),
  buffering: of({
    ...wholes('maxRequestBodyBytes', 'memRequestBodyBytes', 'maxResponseBodyBytes', 'memResponseBodyBytes'),
    retryExpression: 'text',
  }),
  chain: of(lists('middlewares')),
  circuitBreaker: of({
    expression: 'text',
    ...each('time', 'checkPeriod', 'fallbackDuration', 'recoveryDuration'),
    responseCode: 'whole',
  }),
  compress: orEmpty({
    ...lists('excludedContentTypes', 'includedContentTypes', 'encodings'),
    minResponseBodyBytes: 'whole',
    defaultEncoding: 'text',
  }),
  contentType: of(flags('autoDetect')),
  digestAuth: of({ users: 'list', ...texts('usersFile', 'realm', 'headerField'), removeHeader: 'flag' }),
  errors: of({ status: 'list', ...texts('service', 'query') }),
  forwardAuth: FORWARD_AUTH,
  grpcWeb: of(lists('allowOrigins')),
  headers: HEADERS,
  inFlightReq: of({ amount: 'whole', sourceCriterion: SOURCE_CRITERION }),
  ipAllowList: of({ sourceRange: 'list', ipStrategy: IP_STRATEGY, rejectStatusCode: 'whole' }),
  ipWhiteList: of({ sourceRange: 'list', ipStrategy: IP_STRATEGY }),
  passTLSClientCert: of({
    ...flags('pem'),
    info: of({
      ...flags('notAfter', 'notBefore', 'sans', 'serialNumber'),
      subject: of(flags(...SUBJECT, 'organizationalUnit')),
      issuer: of(flags(...SUBJECT)),
    }),
  }),
  plugin: 'free',
  rateLimit: of({ ...wholes('average', 'burst'), period: 'time', sourceCriterion: SOURCE_CRITERION }),
  redirectRegex: of({ ...texts('regex', 'replacement'), permanent: 'flag' }),
  redirectScheme: of({ ...texts('scheme', 'port'), permanent: 'flag' }),
  replacePath: of(texts('path')),
  replacePathRegex: of(texts('regex', 'replacement')),
  retry: of({ attempts: 'whole', initialInterval: 'time' }),
  stripPrefix: of({ prefixes: 'list', forceSlash: 'flag' }),
  stripPrefixRegex: of(lists('regex')),
});

const TCP_ROUTER = of({
  ...lists('entryPoints', 'middlewares'),
  ...texts('service', 'rule', 'ruleSyntax'),
  priority: 'whole',
  tls: orEmpty({ passthrough: 'flag', ...TLS }),
});
const TCP_SERVICE = of({
  loadBalancer: of({
    proxyProtocol: orEmpty(wholes('version')),
    serversTransport: 'text',
    terminationDelay: 'whole',
    server: of({ port: 'text', tls: 'flag' }),
  }),
});
const TCP_MIDDLEWARE = of({
  inFlightConn: of(wholes('amount')),
  ipAllowList: of(lists('sourceRange')),
  ipWhiteList: of(lists('sourceRange')),
});

export const PROTOCOLS = ['http', 'tcp'] as const;
export type Protocol = (typeof PROTOCOLS)[number];
export const SECTIONS = ['routers', 'services', 'middlewares'] as const;
export type Section = (typeof SECTIONS)[number];

export const SCHEMA: Readonly<Record<Protocol, Readonly<Record<Section, Fields>>>> = {
  http: { routers: HTTP_ROUTER, services: HTTP_SERVICE, middlewares: HTTP_MIDDLEWARE },
  tcp: { routers: TCP_ROUTER, services: TCP_SERVICE, middlewares: TCP_MIDDLEWARE },
};
