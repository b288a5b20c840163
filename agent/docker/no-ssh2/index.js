exports.Client = class Client {
  constructor() {
    throw new Error('Berth speaks to Docker by unix:// and tcp://, not by ssh://');
  }
};
