export { type DriverChoice, probeDrivers } from './drivers/choose.js';
export type { AddressFamily, SocketAddress } from './port/address.js';
export { formatAddress } from './port/address.js';
export type { DatagramBatch } from './port/datagrams.js';
export type { DriverName, DriverReport, DriverStatistics, ShutdownHow } from './port/driver.js';
export {
  AbortError,
  InvalidArgumentError,
  NotImplementedError,
  OperationAbortedError,
  OutOfRangeError,
  SocketStateError,
  SystemError,
  TimeoutError,
} from './port/errors.js';
export type { Proactor } from './port/proactor.js';
export type { SocketOptionName, SocketOptions } from './port/socket-options.js';
export type { OperationOptions } from './sockets/arguments.js';
export { type BroadcastFailure, type BroadcastResult, broadcast } from './sockets/broadcast.js';
export type { ConnectOptions } from './sockets/connect.js';
export { type OpenProactorOptions, openProactor, type ProactorOptions } from './sockets/default-proactor.js';
export type { LentBuffer } from './sockets/lent-buffer.js';
export type { CloseOptions, CloseResult, CloseSignal, SocketPhase } from './sockets/overlapped-socket.js';
export type { ReceiveHandlers } from './sockets/receive-loop.js';
export { type ListenOptions, TcpListener } from './sockets/tcp-listener.js';
export { type OnTimeout, type SendData, TcpSocket, type TcpSocketOptions } from './sockets/tcp-socket.js';
export * from './sockets/udp-socket.js';
