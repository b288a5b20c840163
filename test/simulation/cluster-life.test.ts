/** Production coordinators and agents over simulated etcd, Docker and time. `npm run simulate` runs more of them. */
import { testSeeds } from './seeds';

testSeeds('G1 to G5, G7, G9, G10: a cluster, faults by chance, then all comes right and rests', 0, 1000);
