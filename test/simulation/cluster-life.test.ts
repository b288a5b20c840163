/** Production coordinators and agents over simulated etcd, Docker and time. `npm run simulate` runs more of them. */
import { testSeeds } from './seeds';

testSeeds('G1, G2, G3, G4, G9: a cluster, faults by chance, then all comes right and rests', 0);
