/** The production agent over simulated etcd, Docker and time, told directly what to run. `npm run simulate` runs more. */
import { testSeeds } from './seeds';

testSeeds('G1, G2, G3, G6, G9: a host, faults by chance, then all comes right and rests', 1, 500);
