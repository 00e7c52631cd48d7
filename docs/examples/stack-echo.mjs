// The echo server of tcp-echo.mjs on another socket stack:
//   node docs/examples/stack-echo.mjs PROFILE.json [SIMULATED.json]
// PROFILE describes the stack. With SIMULATED, the stack is a simulation of what that file describes; without, it is the
// library that PROFILE names.
import { openProactor, TcpListener } from 'overlapped';
import { loadProfile, openStack, SimulatedStack } from 'overlapped/stack';

const [profile, simulated] = process.argv.slice(2).map((file) => loadProfile(file));
const stack = openStack(profile, simulated && new SimulatedStack(simulated));
const proactor = openProactor({ stack });
const listener = await TcpListener.listen({ host: '127.0.0.1', port: 0, proactor });
console.log(`listening ${listener.port}`);

async function serve(socket) {
  try {
    for await (const chunk of socket.receive({ timeoutMs: 30_000 })) await socket.send(chunk);
  } catch (error) {
    if (error.code !== 'ETIMEDOUT' && error.code !== 'ECONNRESET') console.error(error.message);
  }
  await socket.close();
}

for await (const socket of listener) serve(socket);
