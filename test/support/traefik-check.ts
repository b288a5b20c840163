/**
 * What Traefik's HTTP provider does with a document, as its own reference and its decoder have it: it reads it as YAML, and
 * refuses all of it for one field that it does not know, for one value of another type, and for one part that has nothing
 * in it. Compared with the decoder of Traefik 3.7.9, built from its source: docs/decisions/0019-discovery-on-the-host.md. Written apart
 * from what makes the document (coordinator/discovery/traefik/).
 */

/** Field and Go type, one on a line; "*" is any name. A type with "?" may be a part without anything in it. */
const REFERENCE = `
http.routers.*.entryPoints []string
http.routers.*.middlewares []string
http.routers.*.service string
http.routers.*.rule string
http.routers.*.ruleSyntax string
http.routers.*.priority int
http.routers.*.tls ?
http.routers.*.tls.options string
http.routers.*.tls.certResolver string
http.routers.*.tls.domains.[].main string
http.routers.*.tls.domains.[].sans []string
http.routers.*.observability.accessLogs bool
http.routers.*.observability.metrics bool
http.routers.*.observability.tracing bool
http.services.*.loadBalancer.sticky ?
http.services.*.loadBalancer.sticky.cookie ?
http.services.*.loadBalancer.sticky.cookie.name string
http.services.*.loadBalancer.sticky.cookie.secure bool
http.services.*.loadBalancer.sticky.cookie.httpOnly bool
http.services.*.loadBalancer.sticky.cookie.sameSite string
http.services.*.loadBalancer.sticky.cookie.maxAge int
http.services.*.loadBalancer.sticky.cookie.path string
http.services.*.loadBalancer.sticky.cookie.domain string
http.services.*.loadBalancer.servers.[].url string
http.services.*.loadBalancer.healthCheck.scheme string
http.services.*.loadBalancer.healthCheck.mode string
http.services.*.loadBalancer.healthCheck.path string
http.services.*.loadBalancer.healthCheck.method string
http.services.*.loadBalancer.healthCheck.status int
http.services.*.loadBalancer.healthCheck.port int
http.services.*.loadBalancer.healthCheck.interval duration
http.services.*.loadBalancer.healthCheck.unhealthyInterval duration
http.services.*.loadBalancer.healthCheck.timeout duration
http.services.*.loadBalancer.healthCheck.hostname string
http.services.*.loadBalancer.healthCheck.followRedirects bool
http.services.*.loadBalancer.healthCheck.headers.* string
http.services.*.loadBalancer.passHostHeader bool
http.services.*.loadBalancer.responseForwarding.flushInterval duration
http.services.*.loadBalancer.serversTransport string
http.services.*.loadBalancer.strategy string
http.middlewares.*.addPrefix.prefix string
http.middlewares.*.basicAuth.users []string
http.middlewares.*.basicAuth.usersFile string
http.middlewares.*.basicAuth.realm string
http.middlewares.*.basicAuth.removeHeader bool
http.middlewares.*.basicAuth.headerField string
http.middlewares.*.buffering.maxRequestBodyBytes int
http.middlewares.*.buffering.memRequestBodyBytes int
http.middlewares.*.buffering.maxResponseBodyBytes int
http.middlewares.*.buffering.memResponseBodyBytes int
http.middlewares.*.buffering.retryExpression string
http.middlewares.*.chain.middlewares []string
http.middlewares.*.circuitBreaker.expression string
http.middlewares.*.circuitBreaker.checkPeriod duration
http.middlewares.*.circuitBreaker.fallbackDuration duration
http.middlewares.*.circuitBreaker.recoveryDuration duration
http.middlewares.*.circuitBreaker.responseCode int
http.middlewares.*.compress ?
http.middlewares.*.compress.excludedContentTypes []string
http.middlewares.*.compress.includedContentTypes []string
http.middlewares.*.compress.minResponseBodyBytes int
http.middlewares.*.compress.encodings []string
http.middlewares.*.compress.defaultEncoding string
http.middlewares.*.contentType.autoDetect bool
http.middlewares.*.digestAuth.users []string
http.middlewares.*.digestAuth.usersFile string
http.middlewares.*.digestAuth.removeHeader bool
http.middlewares.*.digestAuth.realm string
http.middlewares.*.digestAuth.headerField string
http.middlewares.*.errors.status []string
http.middlewares.*.errors.service string
http.middlewares.*.errors.query string
http.middlewares.*.forwardAuth.address string
http.middlewares.*.forwardAuth.tls.ca string
http.middlewares.*.forwardAuth.tls.cert string
http.middlewares.*.forwardAuth.tls.key string
http.middlewares.*.forwardAuth.tls.insecureSkipVerify bool
http.middlewares.*.forwardAuth.tls.caOptional bool
http.middlewares.*.forwardAuth.trustForwardHeader bool
http.middlewares.*.forwardAuth.authResponseHeaders []string
http.middlewares.*.forwardAuth.authResponseHeadersRegex string
http.middlewares.*.forwardAuth.authRequestHeaders []string
http.middlewares.*.forwardAuth.addAuthCookiesToResponse []string
http.middlewares.*.forwardAuth.headerField string
http.middlewares.*.forwardAuth.forwardBody bool
http.middlewares.*.forwardAuth.maxBodySize int
http.middlewares.*.forwardAuth.preserveLocationHeader bool
http.middlewares.*.forwardAuth.preserveRequestMethod bool
http.middlewares.*.grpcWeb.allowOrigins []string
http.middlewares.*.headers.customRequestHeaders.* string
http.middlewares.*.headers.customResponseHeaders.* string
http.middlewares.*.headers.accessControlAllowCredentials bool
http.middlewares.*.headers.accessControlAllowHeaders []string
http.middlewares.*.headers.accessControlAllowMethods []string
http.middlewares.*.headers.accessControlAllowOriginList []string
http.middlewares.*.headers.accessControlAllowOriginListRegex []string
http.middlewares.*.headers.accessControlExposeHeaders []string
http.middlewares.*.headers.accessControlMaxAge int
http.middlewares.*.headers.addVaryHeader bool
http.middlewares.*.headers.allowedHosts []string
http.middlewares.*.headers.hostsProxyHeaders []string
http.middlewares.*.headers.sslProxyHeaders.* string
http.middlewares.*.headers.sslRedirect bool
http.middlewares.*.headers.sslTemporaryRedirect bool
http.middlewares.*.headers.sslHost string
http.middlewares.*.headers.sslForceHost bool
http.middlewares.*.headers.stsSeconds int
http.middlewares.*.headers.stsIncludeSubdomains bool
http.middlewares.*.headers.stsPreload bool
http.middlewares.*.headers.forceSTSHeader bool
http.middlewares.*.headers.frameDeny bool
http.middlewares.*.headers.customFrameOptionsValue string
http.middlewares.*.headers.contentTypeNosniff bool
http.middlewares.*.headers.browserXssFilter bool
http.middlewares.*.headers.customBrowserXSSValue string
http.middlewares.*.headers.contentSecurityPolicy string
http.middlewares.*.headers.contentSecurityPolicyReportOnly string
http.middlewares.*.headers.publicKey string
http.middlewares.*.headers.referrerPolicy string
http.middlewares.*.headers.permissionsPolicy string
http.middlewares.*.headers.featurePolicy string
http.middlewares.*.headers.isDevelopment bool
http.middlewares.*.inFlightReq.amount int
http.middlewares.*.inFlightReq.sourceCriterion.ipStrategy.depth int
http.middlewares.*.inFlightReq.sourceCriterion.ipStrategy.excludedIPs []string
http.middlewares.*.inFlightReq.sourceCriterion.ipStrategy.ipv6Subnet int
http.middlewares.*.inFlightReq.sourceCriterion.requestHeaderName string
http.middlewares.*.inFlightReq.sourceCriterion.requestHost bool
http.middlewares.*.ipAllowList.sourceRange []string
http.middlewares.*.ipAllowList.ipStrategy ?
http.middlewares.*.ipAllowList.ipStrategy.depth int
http.middlewares.*.ipAllowList.ipStrategy.excludedIPs []string
http.middlewares.*.ipAllowList.ipStrategy.ipv6Subnet int
http.middlewares.*.ipAllowList.rejectStatusCode int
http.middlewares.*.ipWhiteList.sourceRange []string
http.middlewares.*.ipWhiteList.ipStrategy ?
http.middlewares.*.ipWhiteList.ipStrategy.depth int
http.middlewares.*.ipWhiteList.ipStrategy.excludedIPs []string
http.middlewares.*.passTLSClientCert.pem bool
http.middlewares.*.passTLSClientCert.info.notAfter bool
http.middlewares.*.passTLSClientCert.info.notBefore bool
http.middlewares.*.passTLSClientCert.info.sans bool
http.middlewares.*.passTLSClientCert.info.serialNumber bool
http.middlewares.*.passTLSClientCert.info.subject.commonName bool
http.middlewares.*.passTLSClientCert.info.subject.organizationalUnit bool
http.middlewares.*.passTLSClientCert.info.issuer.domainComponent bool
http.middlewares.*.plugin.*.* any
http.middlewares.*.rateLimit.average int
http.middlewares.*.rateLimit.burst int
http.middlewares.*.rateLimit.period duration
http.middlewares.*.rateLimit.sourceCriterion.requestHost bool
http.middlewares.*.redirectRegex.regex string
http.middlewares.*.redirectRegex.replacement string
http.middlewares.*.redirectRegex.permanent bool
http.middlewares.*.redirectScheme.scheme string
http.middlewares.*.redirectScheme.port string
http.middlewares.*.redirectScheme.permanent bool
http.middlewares.*.replacePath.path string
http.middlewares.*.replacePathRegex.regex string
http.middlewares.*.replacePathRegex.replacement string
http.middlewares.*.retry.attempts int
http.middlewares.*.retry.initialInterval duration
http.middlewares.*.stripPrefix.prefixes []string
http.middlewares.*.stripPrefix.forceSlash bool
http.middlewares.*.stripPrefixRegex.regex []string
tcp.routers.*.entryPoints []string
tcp.routers.*.middlewares []string
tcp.routers.*.service string
tcp.routers.*.rule string
tcp.routers.*.ruleSyntax string
tcp.routers.*.priority int
tcp.routers.*.tls ?
tcp.routers.*.tls.passthrough bool
tcp.routers.*.tls.options string
tcp.routers.*.tls.certResolver string
tcp.routers.*.tls.domains.[].main string
tcp.routers.*.tls.domains.[].sans []string
tcp.services.*.loadBalancer.proxyProtocol ?
tcp.services.*.loadBalancer.proxyProtocol.version int
tcp.services.*.loadBalancer.servers.[].address string
tcp.services.*.loadBalancer.servers.[].tls bool
tcp.services.*.loadBalancer.serversTransport string
tcp.services.*.loadBalancer.terminationDelay int
tcp.middlewares.*.inFlightConn.amount int
tcp.middlewares.*.ipAllowList.sourceRange []string
tcp.middlewares.*.ipWhiteList.sourceRange []string
`;

/** Every field of the reference and its type. */
export const FIELDS: readonly (readonly [path: string, type: string])[] = REFERENCE.trim()
  .split('\n')
  .map((line) => line.split(' ') as [string, string]);

const TYPES = new Map(FIELDS);
const PARTS = new Set(FIELDS.flatMap(([path]) => path.split('.').map((_, end, all) => all.slice(0, end).join('.'))));
const DURATION = /^(\d+|[-+]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)$/;

/** What YAML takes as it stands. */
const PRINTABLE = /^[\t\n\r -~\u0085\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u;
const HALF_A_PAIR = /\\ud[89a-f]/i;

/** @returns why Traefik would take nothing of the document; nothing: it takes all of it */
export function refusals(text: string): readonly string[] {
  if (!PRINTABLE.test(text)) return ['control characters are not allowed'];
  if (HALF_A_PAIR.test(text.replaceAll('\\\\', ''))) return ['found invalid Unicode character escape code'];
  const document = JSON.parse(text) as object;
  return Object.keys(document).length === 0 ? [] : refusalsOf(document, '', '');
}

/** @param place of the reference; @param at of the document, for people */
function refusalsOf(value: unknown, place: string, at: string): readonly string[] {
  const type = TYPES.get(place);
  if (type === 'any') return [];
  if (Array.isArray(value)) return ofList(value, place, at, type);
  if (typeof value !== 'object' || value === null) return isOf(type, value) ? [] : [`${at}: ${JSON.stringify(value)}`];
  const keys = Object.keys(value);
  if (!PARTS.has(place)) return [`${at}: a part where ${type ?? 'nothing'} is`];
  if (keys.length === 0) return type === '?' ? [] : [`${at} cannot be a standalone element`];
  return keys.flatMap((key) => {
    const inner = [key, '*'].map((name) => (place === '' ? name : `${place}.${name}`)).find((one) => isKnown(one));
    if (inner === undefined) return [`${at}.${key}: field not found`];
    return refusalsOf((value as Record<string, unknown>)[key], inner, `${at}.${key}`);
  });
}

function ofList(items: readonly unknown[], place: string, at: string, type: string | undefined): readonly string[] {
  if (type === '[]string')
    return items.every((item) => typeof item === 'string' && item !== '' && !item.includes(','))
      ? []
      : [`${at}: items`];
  if (!PARTS.has(`${place}.[]`)) return [`${at}: a list`];
  return items.flatMap((item, index) => refusalsOf(item, `${place}.[]`, `${at}[${index}]`));
}

function isKnown(place: string): boolean {
  return TYPES.has(place) || PARTS.has(place);
}

function isOf(type: string | undefined, value: unknown): boolean {
  if (type === 'string') return typeof value === 'string';
  if (type === 'duration') return typeof value === 'string' && DURATION.test(value) && nanosecondsOf(value) < 2 ** 63;
  if (type === 'bool') return typeof value === 'boolean';
  return type === 'int' && Number.isSafeInteger(value);
}

/** An upper bound for one that is written with several units is enough here. */
function nanosecondsOf(duration: string): number {
  const hourNs = 3600e9;
  const unitsNs: Readonly<Record<string, number>> = {
    h: hourNs,
    m: hourNs / 60,
    s: 1e9,
    ms: 1e6,
    us: 1e3,
    µs: 1e3,
    ns: 1,
  };
  let sum = 0;
  for (const [, number, unit] of duration.matchAll(/([\d.]+)(\D*)/g)) sum += Number(number) * (unitsNs[unit!] ?? 1e9);
  return sum;
}
