/** The image of `examples/hello/compose.yaml`, as `npm run quickstart` makes it. */
import { join } from 'node:path';
import type { ImageSource } from '../support/docker-images';

const SOURCE = join(__dirname, '../../examples/hello/image');

export const HELLO: ImageSource = {
  reference: 'berth-hello:1',
  fill: [
    'mkdir -p "$root/www/cgi-bin"',
    `install -m 755 '${SOURCE}/serve' "$root/serve"`,
    `install -m 755 '${SOURCE}/index.cgi' "$root/www/cgi-bin/index.cgi"`,
  ],
  changes: ['CMD ["/serve"]'],
};
