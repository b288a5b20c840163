import * as http from 'node:http';

/** One connection that stays, as a scraper has it. */
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const PATIENCE_MS = 5000;

/** @returns the body. @throws Error unless the status is 200, or after 5 s */
export function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, timeout: PATIENCE_MS }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (body += chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve(body) : reject(new Error(`${url}: status ${answer.statusCode}`)),
      );
    });
    request.on('timeout', () => request.destroy(new Error(`${url}: no answer within ${PATIENCE_MS} ms`)));
    request.on('error', reject);
  });
}
