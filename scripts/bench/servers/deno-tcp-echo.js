// deno-tcp-echo.js PORT: the echo server one writes with Deno.listen.
async function echo(connection) {
  const buffer = new Uint8Array(65_536);
  try {
    connection.setNoDelay(true);
    for (;;) {
      const length = await connection.read(buffer);
      if (length === null) break;
      for (let sent = 0; sent < length; ) {
        sent += await connection.write(buffer.subarray(sent, length));
      }
    }
    connection.close();
  } catch {
    // The load closes its connections abruptly at the end of a run.
  }
}

const listener = Deno.listen({ hostname: '127.0.0.1', port: Number(Deno.args[0] ?? 0) });
console.log(`listening ${listener.addr.port}`);
for await (const connection of listener) echo(connection);
