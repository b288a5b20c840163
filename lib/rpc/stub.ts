import { makeClientConstructor, type MethodDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { util, type Method, type Root, type Type } from 'protobufjs';

// As the types are generated (package.json, "generate").
const OPTIONS = { longs: Number, enums: String, defaults: true };

/**
 * The client class of a service whose calls are all unary, and as its `service` what a server needs. Without
 * @grpc/proto-loader, which describes each message once more, for a reflection that nobody asks for.
 * @param name "berth.v1.Agent"
 */
export function stubOf(root: Root, name: string): ServiceClientConstructor {
  const { methodsArray } = root.lookupService(name);
  const methods = methodsArray.map((method) => [method.name, definitionOf(`/${name}/${method.name}`, method)]);
  return makeClientConstructor(Object.fromEntries(methods) as Record<string, MethodDefinition<object, object>>, name);
}

function definitionOf(path: string, method: Method): MethodDefinition<object, object> {
  method.resolve();
  const [request, response] = [method.resolvedRequestType!, method.resolvedResponseType!];
  return {
    ...{ path, originalName: util.lcFirst(method.name), requestStream: false, responseStream: false },
    ...{ requestSerialize: writer(request), requestDeserialize: reader(request) },
    ...{ responseSerialize: writer(response), responseDeserialize: reader(response) },
  };
}

function writer(type: Type): (message: object) => Buffer {
  // In Node it is a Buffer, though its type does not say so.
  return (message) => type.encode(type.fromObject(message)).finish() as Buffer;
}

function reader(type: Type): (bytes: Buffer) => object {
  return (bytes) => type.toObject(type.decode(bytes), OPTIONS);
}
