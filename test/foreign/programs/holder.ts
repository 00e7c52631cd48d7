// Holds a connection to 127.0.0.1 for as long as the process lives. Usage: holder.js PORT
import { connect } from 'node:net';

connect(Number(process.argv[2]), '127.0.0.1').on('error', () => undefined);
