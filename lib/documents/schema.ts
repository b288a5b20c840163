import { Root, type INamespace } from 'protobufjs';
import berthProto from '../../proto/generated/berth.json';

/** proto/berth as protobufjs reflects it. The only one of a process: each takes a megabyte. */
export const schema = Root.fromJSON(berthProto as INamespace);
schema.resolveAll();
