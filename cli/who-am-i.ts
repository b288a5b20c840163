import { hostname, userInfo } from 'node:os';

/** user@machine; a user that the machine knows no name of, by number. */
export function whoAmI(): string {
  let user: string;
  try {
    user = userInfo().username;
  } catch {
    user = String(process.getuid?.() ?? '?');
  }
  return `${user}@${hostname()}`;
}
