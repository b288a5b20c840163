/** "http=20001 dns=20002/udp"; "-" when there are none. As it came: clean it before it is printed. */
export function portsOf(of: {
  readonly ports: Readonly<Record<string, number>>;
  readonly protocols: Readonly<Record<string, string>>;
}): string {
  const all = Object.entries(of.ports).map(([name, port]) => {
    const protocol = of.protocols[name];
    return `${name}=${port}${protocol === undefined ? '' : `/${protocol}`}`;
  });
  return all.join(' ') || '-';
}
