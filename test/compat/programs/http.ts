import http from 'node:http';
import net from 'node:net';
import { portOf, say, sayCarrier } from './report.js';

/** An http server that is fed by a net server's connections, one that listens itself, and an agent that keeps alive. */
const answers = http.createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  response.setHeader('x-length', body.length);
  response.end(`${request.method} ${request.url} ${body.slice(0, 20)}`);
});
const feeder = net.createServer((socket) => answers.emit('connection', socket));
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask(port: number, path: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', path, method: 'POST', agent }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      say(response.statusCode, response.headers['x-length'], text, request.reusedSocket);
      resolve();
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function main(): Promise<void> {
  for (const server of [feeder, answers]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    sayCarrier(server);
    await ask(portOf(server), '/first', 'x');
    await ask(portOf(server), '/second', 'y'.repeat(200_000));
  }
  agent.destroy();
  feeder.close(() => say('feeder closed'));
  answers.close(() => say('server closed'));
}

void main();
