/** A child that takes what it is sent, until it is killed or its parent is gone. */
process.on('message', () => undefined);
